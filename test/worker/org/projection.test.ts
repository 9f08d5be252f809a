import { env, evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import type { UserId } from "#protocol/ids.ts";
import { enrol, makeKey, newOrg, type Org, orgStub } from "./support.ts";

/** Rings the alarm until nothing of this org waits for D1. */
async function project(org: Org): Promise<void> {
  for (let i = 0; i < 5; i++) await runDurableObjectAlarm(orgStub(org.orgId));
}

function d1(statement: string, ...values: string[]) {
  return env.DB.prepare(statement).bind(...values).all<Record<string, unknown>>().then(({ results }) => results);
}

const machinesOf = (org: Org) => d1("SELECT * FROM machines WHERE org_id = ? ORDER BY name", org.orgId);

describe("the projection", () => {
  it("copies machines, keys and audit records to D1, without secrets", async () => {
    const org = await newOrg();
    const { key, id } = await makeKey(org, { allowed_tags: ["web"], ephemeral: true });
    const machine = await enrol(key, "host", { os: "linux", tags: ["web"] });
    await project(org);
    expect(await machinesOf(org)).toMatchObject([{
      id: machine.machine_id,
      name: "host",
      status: "online",
      tailnet_ip: "100.64.0.1",
      public_key: machine.wg_public_key,
      auth_key_id: id,
      ephemeral: 1,
      tags: '["web"]',
      os: "linux",
    }]);
    const keys = await d1("SELECT * FROM auth_keys WHERE org_id = ?", org.orgId);
    expect(keys).toMatchObject([{ id, used_count: 1, revoked: 0, allowed_tags: '["web"]', allowed_cidrs: null }]);
    const audits = await d1("SELECT * FROM audit_logs WHERE org_id = ? ORDER BY rev", org.orgId);
    expect(audits.map(({ action }) => action)).toEqual(["auth_key.created", "machine.registered"]);
    expect(JSON.parse(String(audits[1]!["details"]))).toMatchObject({ name: "host", reactivated: false });
    expect(JSON.stringify([keys, audits, await machinesOf(org)])).not.toContain(key.slice(25));
  });

  it("catches up after D1 was away, while registrations go on", async () => {
    const org = await newOrg();
    const { key } = await makeKey(org);
    await enrol(key, "before");
    await project(org);
    await env.DB.exec("ALTER TABLE machines RENAME TO machines_away");
    const during = await Promise.all(Array.from({ length: 20 }, (_, i) => enrol(key, `during-${i}`)));
    expect(during.every(({ status }) => status === "online")).toBe(true);
    await project(org);
    await env.DB.exec("ALTER TABLE machines_away RENAME TO machines");
    expect(await machinesOf(org)).toHaveLength(1);
    await evictDurableObject(orgStub(org.orgId));
    await project(org);
    expect(await machinesOf(org)).toHaveLength(21);
    expect(await d1("SELECT id FROM audit_logs WHERE org_id = ?", org.orgId)).toHaveLength(22);
  });

  it("forgets deleted machines, and keeps their records", async () => {
    const org = await newOrg();
    const { key } = await makeKey(org);
    const [gone, kept] = [await enrol(key, "gone"), await enrol(key, "kept")];
    await project(org);
    const actor = { userId: crypto.randomUUID() as UserId, isAdmin: true };
    expect(await orgStub(org.orgId).deleteMachine(gone.machine_id, actor)).toMatchObject({ ok: true });
    await project(org);
    expect(await machinesOf(org)).toMatchObject([{ id: kept.machine_id }]);
    const audits = await d1("SELECT action FROM audit_logs WHERE resource_id = ? ORDER BY rev", gone.machine_id);
    expect(audits.map(({ action }) => action)).toEqual(["machine.registered", "machine.deleted"]);
  });

  it("does no harm when it is done again, and never goes back to an older revision", async () => {
    const org = await newOrg();
    const { key } = await makeKey(org);
    await enrol(key, "host");
    await project(org);
    const once = await machinesOf(org);
    await env.DB.prepare("UPDATE machines SET rev = rev + 1000, status = 'offline' WHERE org_id = ?").bind(org.orgId)
      .run();
    const rewind = () =>
      runInDurableObject(orgStub(org.orgId), (instance, state) => {
        state.storage.sql.exec("DELETE FROM projected");
        return instance.createAuthKey({
          id: crypto.randomUUID() as never,
          hash: crypto.randomUUID(),
          keyPrefix: "",
          name: "wake",
          reusable: true,
          ephemeral: false,
          lifetimeS: 86_400,
          allowedTags: [],
          allowedCidrs: [],
          createdBy: null as never,
        });
      });
    await rewind();
    await project(org);
    expect(await machinesOf(org)).toMatchObject([{ status: "offline" }]);
    await env.DB.prepare("DELETE FROM machines WHERE org_id = ?").bind(org.orgId).run();
    await rewind();
    await project(org);
    expect(await machinesOf(org)).toEqual(once);
  });

  it("takes more rows than one batch holds", async () => {
    const org = await newOrg();
    await runInDurableObject(orgStub(org.orgId), (_, state) => {
      state.storage.sql.exec(`
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1200)
        INSERT INTO machines (address, id, rev, name, status, public_key, ephemeral, tags, endpoints, admin_disabled,
          node_key_hash, last_seen, key_created_at, created_at)
        SELECT i, 'bulk-' || i, i, 'bulk-' || i, 'offline', '', 0, '[]', '[]', 0, 'hash-' || i, 0, 0, 0 FROM n`);
      state.storage.sql.exec("UPDATE org SET rev = 1200");
    });
    await makeKey(org);
    await project(org);
    expect(await machinesOf(org)).toHaveLength(1200);
  });
});

describe("an org object", () => {
  it("may be initialised twice with the same org, and refuses another one", async () => {
    const { orgId } = await newOrg();
    const again = { id: orgId as never, name: "Acme", slug: "acme" };
    expect(await orgStub(orgId).initialize(again)).toMatchObject({ ok: true });
    const other = `${orgId.slice(0, 24)}000000000000`;
    expect(await orgStub(orgId).initialize({ ...again, id: other as never })).toMatchObject({
      ok: false,
      code: "CONFLICT",
    });
  });

  it("stores nothing as long as it was never initialised", async () => {
    const stub = env.ORG.getByName("ffffffffffffffff");
    expect(await stub.listMachines()).toMatchObject({ ok: false, code: "NOT_FOUND" });
    expect(await stub.revokeAuthKey("x" as never, "y" as never)).toMatchObject({ ok: false, code: "NOT_FOUND" });
    const tables = await runInDurableObject(
      stub,
      (_, state) =>
        state.storage.sql.exec("SELECT name FROM sqlite_master WHERE name NOT LIKE '\\_cf%' ESCAPE '\\'").toArray(),
    );
    expect(tables).toEqual([]);
  });
});
