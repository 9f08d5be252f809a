import { runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import type { OrgId } from "#protocol/ids.ts";
import { limitsSchema, parseSettings, timingsSchema } from "#protocol/limits.ts";
import { countRegistration } from "../../../durable-objects/org/registration.ts";
import { makeKey, newOrg, orgStub } from "./support.ts";

const rules = {
  limits: parseSettings("ZTNA_LIMITS", limitsSchema, '{"register_per_ip": 3, "register_per_key": 2}'),
  timings: parseSettings("ZTNA_TIMINGS", timingsSchema, undefined),
  isConnected: () => false,
};

/** Codes of registrations counted one after another, each `[client address, hash of the key, seconds since the start]`. */
async function codes(orgId: string, requests: [string, string, number][]): Promise<string[]> {
  return await runInDurableObject(
    orgStub(orgId as OrgId),
    (_, state) =>
      requests.map(([clientIp, authKeyHash, second]) => {
        const input = { clientIp, authKeyHash } as Parameters<typeof countRegistration>[1];
        try {
          countRegistration(state.storage.sql, input, rules, 1_000_000 + second * 1000);
          return "ok";
        } catch (error) {
          const { code, details } = error as { code: string; details: { retry_after_s: number } };
          return `${code} ${details.retry_after_s}`;
        }
      }),
  );
}

describe("the rate limit of registrations", () => {
  it("counts per address in fixed windows and says when to come back", async () => {
    const { orgId } = await newOrg();
    const from = (ip: string, second: number): [string, string, number] => [ip, "unknown", second];
    expect(await codes(orgId, [from("a", 0), from("a", 1), from("a", 2), from("a", 3), from("b", 3), from("a", 600)]))
      .toEqual(["ok", "ok", "ok", "RATE_LIMITED 597", "ok", "ok"]);
  });

  it("counts per key from any address, and keeps no window for keys that are none", async () => {
    const org = await newOrg();
    await makeKey(org);
    const hash = await runInDurableObject(
      orgStub(org.orgId),
      (_, state) => state.storage.sql.exec<{ hash: string }>("SELECT hash FROM auth_keys").one().hash,
    );
    expect(await codes(org.orgId, [["a", hash, 0], ["b", hash, 1], ["c", hash, 2], ["d", hash, 300]]))
      .toEqual(["ok", "ok", "RATE_LIMITED 298", "ok"]);
    await codes(org.orgId, [["e", "made up", 0]]);
    const subjects = await runInDurableObject(
      orgStub(org.orgId),
      (_, state) => state.storage.sql.exec<{ subject: string }>("SELECT subject FROM rate_limits").toArray(),
    );
    expect(subjects.filter(({ subject }) => subject.startsWith("key "))).toHaveLength(1);
  });
});
