import { runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import type { OrgId } from "#protocol/ids.ts";
import { limitsSchema, parseSettings, timingsSchema } from "#protocol/limits.ts";
import { countRegistration } from "../../../durable-objects/org/registration.ts";
import { countSetup } from "../../../durable-objects/org/setup.ts";
import { makeKey, newOrg, orgStub } from "./support.ts";

const rules = {
  limits: parseSettings(
    "ZTNA_LIMITS",
    limitsSchema,
    '{"register_per_ip": 3, "register_per_key": 2, "setup_per_user": 2}',
  ),
  timings: parseSettings("ZTNA_TIMINGS", timingsSchema, undefined),
  isConnected: () => false,
};

/** Codes of registrations counted one after another, each `[client address, hash of the key, seconds since the start]`. */
function codes(orgId: string, requests: [string, string, number][]): Promise<string[]> {
  return count(orgId, requests, (sql, clientIp, authKeyHash, now) => {
    countRegistration(sql, { clientIp, authKeyHash } as Parameters<typeof countRegistration>[1], rules, now);
  });
}

/** The same for people: `[client address, person, seconds since the start]`. */
function setupCodes(orgId: string, requests: [string, string, number][]): Promise<string[]> {
  return count(orgId, requests, (sql, clientIp, userId, now) => {
    countSetup(sql, { clientIp, userId } as Parameters<typeof countSetup>[1], rules, now);
  });
}

async function count(
  orgId: string,
  requests: [string, string, number][],
  one: (sql: SqlStorage, clientIp: string, subject: string, now: number) => void,
): Promise<string[]> {
  return await runInDurableObject(
    orgStub(orgId as OrgId),
    (_, state) =>
      requests.map(([clientIp, subject, second]) => {
        try {
          one(state.storage.sql, clientIp, subject, 1_000_000 + second * 1000);
          return "ok";
        } catch (error) {
          const { code, details } = error as { code: string; details: { retry_after_s: number } };
          return `${code} ${details.retry_after_s}`;
        }
      }),
  );
}

describe("the rate limit (RATE_LIMITED) of POST /api/register-machine", () => {
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

describe("the rate limit of POST /api/client-setup", () => {
  it("counts per person from any address, and per address together with registrations", async () => {
    const { orgId } = await newOrg();
    expect(await setupCodes(orgId, [["a", "ada", 0], ["b", "ada", 1], ["c", "ada", 2], ["c", "bob", 2]]))
      .toEqual(["ok", "ok", "RATE_LIMITED 598", "ok"]);
    expect(await codes(orgId, [["c", "unknown", 3]])).toEqual(["ok"]);
    expect(await setupCodes(orgId, [["c", "cid", 4], ["c", "ada", 600]])).toEqual([
      "RATE_LIMITED 598",
      "RATE_LIMITED 2",
    ]);
  });
});
