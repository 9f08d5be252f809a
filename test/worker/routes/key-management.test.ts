import { describe, expect, it } from "vitest";
import { call } from "#protocol/api/call.ts";
import { createAuthKey, previewRevokeAuthKey, revokeAuthKey } from "#protocol/api/auth-keys.ts";
import { listAuthKeys, listMachines } from "#protocol/api/tables.ts";
import { inStorage, memberOf } from "../org/members.ts";
import { enrol, makeKey, newOrg, outcome } from "../org/support.ts";
import { base, post, selfFetch, signUpSomeone } from "../support/api.ts";

describe("POST /api/key-management create_auth_key", () => {
  it("answers 201 with the key, and lists it without", async () => {
    const org = await newOrg();
    const body = { action: "create_auth_key", org_id: org.orgId, name: " ci ", allowed_tags: ["tag:web"] };
    const { status, envelope } = await post("/api/key-management", body, { authorization: `Bearer ${org.token}` });
    expect(status).toBe(201);
    const data = envelope.data as { key: string; id: string };
    expect(data).toMatchObject({
      name: "ci",
      reusable: false,
      ephemeral: false,
      expiry_days: 90,
      allowed_tags: ["web"],
    });
    expect(data.key).toMatch(/^tskey-auth-[0-9a-f]{64}$/);
    expect(data).toMatchObject({ key_prefix: `${data.key.slice(0, 19)}...`, allowed_cidrs: null });
    const rows = await call(selfFetch, base, listAuthKeys, { org_id: org.orgId }, { token: org.token });
    expect(rows).toMatchObject([{ id: data.id, used_count: 0, revoked: false, allowed_tags: ["web"] }]);
    expect(JSON.stringify(rows)).not.toContain(data.key);
  });

  it("takes expires_in in seconds instead of expiry_days, but not both (INVALID_INPUT)", async () => {
    const org = await newOrg();
    const before = Date.now();
    const key = await makeKey(org, { expires_in: 90_000 });
    expect(key.expiry_days).toBe(2);
    const lifetime = Date.parse(key.expires_at) - before;
    expect(lifetime).toBeGreaterThanOrEqual(90_000_000);
    expect(lifetime).toBeLessThan(90_060_000);
    for (const wrong of [{ expires_in: 299 }, { expires_in: 2_592_001 }, { expires_in: 3600, expiry_days: 1 }]) {
      expect(await outcome(makeKey(org, wrong))).toBe("INVALID_INPUT");
    }
  });

  it("answers the same under POST /api/api-keys", async () => {
    const org = await newOrg();
    const body = { action: "create_auth_key", org_id: org.orgId, name: "x" };
    const { status } = await post("/api/api-keys", body, { authorization: `Bearer ${org.token}` });
    expect(status).toBe(201);
  });

  it("is refused with the contract's codes", async () => {
    const org = await newOrg();
    const send = async (more: object, token = org.token) => {
      const body = { action: "create_auth_key", org_id: org.orgId, name: "x", ...more };
      const { status, envelope } = await post("/api/key-management", body, { authorization: `Bearer ${token}` });
      return { status, code: envelope.error?.code, message: envelope.error?.message };
    };
    expect(await send({ name: undefined })).toEqual({ status: 400, code: "MISSING_FIELDS", message: "name required" });
    expect(await send({ name: "  " })).toEqual({ status: 400, code: "MISSING_FIELDS", message: "name required" });
    expect(await send({ org_id: undefined })).toMatchObject({ status: 400, code: "MISSING_FIELDS" });
    expect(await send({ name: "x".repeat(101) })).toMatchObject({ status: 400, code: "INVALID_INPUT" });
    for (const expiry_days of [0, 366, 1.5, -1, "90", null]) {
      expect(await send({ expiry_days }), String(expiry_days)).toMatchObject({
        status: 400,
        code: "INVALID_INPUT",
        message: "expiry_days must be an integer between 1 and 365",
      });
    }
    for (const cidr of ["10.0.0.0/33", "300.0.0.1", "2001:db8::/129", "x", "::1::/64", ""]) {
      expect(await send({ allowed_cidrs: [cidr] }), cidr).toMatchObject({ status: 400, code: "INVALID_INPUT" });
    }
    expect(await send({ action: "mint" })).toMatchObject({ status: 400, code: "UNKNOWN_ACTION" });
    expect(await send({ action: undefined })).toMatchObject({ status: 400, code: "MISSING_FIELDS" });
    expect(await send({}, "nonsense")).toMatchObject({ status: 401, code: "UNAUTHORIZED" });
    const { token } = await signUpSomeone();
    expect(await send({}, token)).toMatchObject({ status: 403, code: "FORBIDDEN" });
  });
});

describe("POST /api/key-management revoke_auth_key", () => {
  it("quarantines its machines, keeps it listed and refuses it from then on", async () => {
    const org = await newOrg();
    const [used, other] = [await makeKey(org), await makeKey(org)];
    await enrol(used.key, "a");
    await enrol(used.key, "b");
    await enrol(other.key, "c");
    const input = { org_id: org.orgId, key_id: used.id };
    const answer = await call(selfFetch, base, revokeAuthKey, input, { token: org.token });
    expect(answer).toEqual({ revoked: used.id, machines_quarantined: 2 });
    const machines = await call(selfFetch, base, listMachines, { org_id: org.orgId }, { token: org.token });
    expect(machines.map(({ name, status }) => `${name} ${status}`)).toEqual([
      "a quarantined",
      "b quarantined",
      "c online",
    ]);
    const keys = await call(selfFetch, base, listAuthKeys, { org_id: org.orgId }, { token: org.token });
    expect(keys.find(({ id }) => id === used.id)).toMatchObject({ revoked: true, expired: false });
    expect(await outcome(enrol(used.key, "d"))).toBe("INVALID_KEY");
    const again = await call(selfFetch, base, revokeAuthKey, input, { token: org.token });
    expect(again.machines_quarantined).toBe(0);
  });

  it("is refused for a key of another org and without the fields", async () => {
    const [mine, theirs] = [await newOrg(), await newOrg()];
    const key = await makeKey(theirs);
    const revoke = (org_id: string, key_id: string, token: string) =>
      outcome(call(selfFetch, base, revokeAuthKey, { org_id, key_id }, { token }));
    expect(await revoke(mine.orgId, key.id, mine.token)).toBe("NOT_FOUND");
    expect(await revoke(theirs.orgId, key.id, mine.token)).toBe("FORBIDDEN");
    expect(await revoke(mine.orgId, undefined as never, mine.token)).toBe("MISSING_FIELDS");
    expect(createAuthKey.path).toBe(revokeAuthKey.path);
  });
});

describe("POST /api/key-management preview_revoke_auth_key", () => {
  const preview = (org: { orgId: string; token: string }, key_id: string) =>
    call(selfFetch, base, previewRevokeAuthKey, { org_id: org.orgId, key_id }, { token: org.token });

  it("says how many machines revoking would quarantine, and changes nothing", async () => {
    const org = await newOrg();
    const [used, unused] = [await makeKey(org), await makeKey(org)];
    for (const name of ["a", "b", "c"]) await enrol(used.key, name);
    await inStorage(org.orgId, "UPDATE machines SET status = 'pending' WHERE name = 'c'");
    expect(await preview(org, used.id)).toEqual({ key_id: used.id, machines_to_quarantine: 2 });
    expect(await preview(org, unused.id)).toEqual({ key_id: unused.id, machines_to_quarantine: 0 });
    const input = { org_id: org.orgId, key_id: used.id };
    expect(await call(selfFetch, base, revokeAuthKey, input, { token: org.token })).toMatchObject({
      machines_quarantined: 2,
    });
    expect(await preview(org, used.id)).toMatchObject({ machines_to_quarantine: 0 });
  });

  it("is FORBIDDEN to members, NOT_FOUND for unknown keys and those of other orgs, MISSING_FIELDS without one", async () => {
    const [mine, theirs] = [await newOrg(), await newOrg()];
    const [own, foreign] = [await makeKey(mine), await makeKey(theirs)];
    expect(await outcome(preview(await memberOf(mine, "member"), own.id))).toBe("FORBIDDEN");
    expect(await outcome(preview({ ...theirs, token: mine.token }, foreign.id))).toBe("FORBIDDEN");
    for (const id of [foreign.id, crypto.randomUUID()]) expect(await outcome(preview(mine, id))).toBe("NOT_FOUND");
    expect(await outcome(preview(mine, undefined as never))).toBe("MISSING_FIELDS");
    expect(await outcome(preview(mine, "x"))).toBe("INVALID_INPUT");
    expect(await outcome(preview({ ...mine, token: "nonsense" }, own.id))).toBe("UNAUTHORIZED");
  });
});
