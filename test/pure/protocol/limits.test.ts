import { expect, test } from "vitest";
import { limitsSchema, parseSettings, timingsSchema } from "#protocol/limits.ts";

test("settings that are not given have the product's defaults", () => {
  const timings = parseSettings("ZTNA_TIMINGS", timingsSchema, undefined);
  expect(timings).toMatchObject({ heartbeat_s: 60, offline_after_s: 180, access_token_s: 3600 });
});

test("a given setting replaces its default alone", () => {
  const limits = parseSettings("ZTNA_LIMITS", limitsSchema, `{"register_per_ip": 0}`);
  expect(limits).toMatchObject({ register_per_ip: 0, register_per_key: 5 });
});

test.each([
  ["{", "ZTNA_LIMITS must be a JSON object"],
  [`{"machine_qota": 1}`, "ZTNA_LIMITS: unknown key machine_qota"],
  [`{"machine_quota": "many"}`, /^ZTNA_LIMITS: machine_quota: /],
  [`{"scrypt_log2_n": 9}`, /^ZTNA_LIMITS: scrypt_log2_n: /],
  [`{"scrypt_log2_n": 16}`, /^ZTNA_LIMITS: scrypt_log2_n: /],
])("a wrong setting %s is refused in one sentence that names it", (json, message) => {
  expect(() => parseSettings("ZTNA_LIMITS", limitsSchema, json)).toThrow(message);
});
