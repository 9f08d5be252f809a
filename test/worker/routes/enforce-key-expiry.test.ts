import { describe, expect, it } from "vitest";
import { call } from "#protocol/api/call.ts";
import { enforceKeyExpiry } from "#protocol/api/enforce-key-expiry.ts";
import { listAuthKeys, listMachines } from "#protocol/api/tables.ts";
import { inStorage, memberOf } from "../org/members.ts";
import { enrol, makeKey, newOrg, type Org } from "../org/support.ts";
import { base, post, selfFetch } from "../support/api.ts";

async function names(org: Org) {
  const machines = await call(selfFetch, base, listMachines, { org_id: org.orgId }, { token: org.token });
  return machines.map(({ name, status }) => `${name} ${status}`);
}

describe("POST /api/enforce-key-expiry", () => {
  it("marks silent machines offline, removes ephemeral ones that left long ago, and ends auth keys", async () => {
    const org = await newOrg();
    const [kept, passing] = [await makeKey(org), await makeKey(org, { ephemeral: true })];
    for (const name of ["fresh", "silent"]) await enrol(kept.key, name);
    for (const name of ["left", "left-long-ago"]) await enrol(passing.key, name);
    const age = (name: string, seconds: number) =>
      inStorage(org.orgId, "UPDATE machines SET last_seen = last_seen - ? WHERE name = ?", seconds * 1000, name);
    await inStorage(org.orgId, "UPDATE machines SET status = 'offline' WHERE name LIKE 'left%'");
    await inStorage(org.orgId, "UPDATE auth_keys SET expires_at = 0 WHERE id = ?", kept.id);
    await age("silent", 181);
    await age("left", 1_790);
    await age("left-long-ago", 1_801);
    const enforce = () => call(selfFetch, base, enforceKeyExpiry, {}, { token: org.token });
    expect(await enforce()).toEqual({ expired_count: 1, ephemeral_cleaned: 1 });
    expect(await names(org)).toEqual(["fresh online", "silent offline", "left offline"]);
    const keys = await call(selfFetch, base, listAuthKeys, { org_id: org.orgId, id: `eq.${kept.id}` }, {
      token: org.token,
    });
    expect(keys).toMatchObject([{ revoked: true }]);
    expect(await enforce()).toEqual({ expired_count: 0, ephemeral_cleaned: 0 });
  });

  it("reaches the orgs of which the caller is an admin, and no others", async () => {
    const [mine, theirs] = [await newOrg(), await newOrg()];
    for (const org of [mine, theirs]) {
      await enrol((await makeKey(org)).key, "silent");
      await inStorage(org.orgId, "UPDATE machines SET last_seen = 0");
    }
    expect(await call(selfFetch, base, enforceKeyExpiry, {}, { token: mine.token })).toMatchObject({
      expired_count: 1,
    });
    expect(await names(theirs)).toEqual(["silent online"]);
  });

  it("is UNAUTHORIZED without a token, FORBIDDEN to who is admin of no org, INVALID_JSON without a body", async () => {
    const org = await newOrg();
    const send = async (token: string | undefined, body: unknown = {}) => {
      const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
      const { status, envelope } = await post("/api/enforce-key-expiry", body, headers as Record<string, string>);
      return `${status} ${envelope.error?.code}`;
    };
    const machine = await enrol((await makeKey(org)).key, "host");
    expect(await send(undefined)).toBe("401 UNAUTHORIZED");
    expect(await send("nonsense")).toBe("401 UNAUTHORIZED");
    expect(await send(machine.token)).toBe("403 FORBIDDEN");
    expect(await send((await memberOf(org, "member")).token)).toBe("403 FORBIDDEN");
    expect(await send(org.token, "")).toBe("400 INVALID_JSON");
  });
});
