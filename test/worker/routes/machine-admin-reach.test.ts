import { env, runDurableObjectAlarm } from "cloudflare:test";
import { beforeAll, describe, expect, it } from "vitest";
import { call } from "#protocol/api/call.ts";
import { listMachines } from "#protocol/api/tables.ts";
import { giveTo, inStorage, memberOf } from "../org/members.ts";
import { enrol, makeKey, newOrg, type Org, orgStub } from "../org/support.ts";
import { base, post, selfFetch } from "../support/api.ts";

/** Every action, with what it needs, and what an org with one online machine answers its admin. */
const actions: readonly [action: string, fields: object | ((id: string) => object), admin: string, owner: string][] = [
  ["approve", {}, "INVALID_STATE", "FORBIDDEN"],
  ["enable", {}, "ok", "ok"],
  ["disable", {}, "ok", "ok"],
  ["quarantine", { reason: "why not" }, "ok", "FORBIDDEN"],
  ["unquarantine", {}, "INVALID_STATE", "FORBIDDEN"],
  ["rename", { name: "other" }, "ok", "ok"],
  ["update_tags", { tags: ["web"] }, "ok", "ok"],
  ["update_flags", { shields_up: true }, "ok", "ok"],
  ["set_key_expiry", { disabled: true }, "ok", "ok"],
  ["approve_routes", {}, "ok", "FORBIDDEN"],
  ["reject_routes", {}, "ok", "FORBIDDEN"],
  ["approve_exit_node", {}, "FORBIDDEN", "FORBIDDEN"],
  ["reject_exit_node", {}, "ok", "FORBIDDEN"],
  ["lock_device", {}, "ok", "FORBIDDEN"],
  ["wipe_device", (id) => ({ confirm: `WIPE-${id}` }), "ok", "FORBIDDEN"],
  ["delete", {}, "ok", "FORBIDDEN"],
];

async function orgWithMachine() {
  const org = await newOrg();
  const { key } = await makeKey(org);
  return { org, machine: await enrol(key, "host") };
}

async function act(token: string | undefined, body: object) {
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const { envelope } = await post("/api/machine-admin", body, headers);
  return envelope.error?.code ?? "ok";
}

async function machinesOf({ orgId, token }: Org) {
  return await call(selfFetch, base, listMachines, { org_id: orgId }, { token });
}

/** One org for all actions: people take longer to sign up than anything that is asked of them. */
async function orgWithPeople() {
  const { org, machine: { machine_id } } = await orgWithMachine();
  const { org: foreign, machine: theirs } = await orgWithMachine();
  const [owner, admin, member, auditor] = [
    await memberOf(org, "member"),
    await memberOf(org, "admin"),
    await memberOf(org, "member"),
    await memberOf(org, "auditor"),
  ];
  await giveTo(owner, machine_id);
  return { org, machine_id, owner, admin, refused: [foreign, member, auditor], theirs: theirs.machine_id };
}

describe("POST /api/machine-admin", () => {
  let people: Awaited<ReturnType<typeof orgWithPeople>>;
  beforeAll(async () => {
    people = await orgWithPeople();
  });

  for (const [action, fields, byAdmin, byOwner] of actions) {
    it(`${action}: ${byAdmin} for an admin, ${byOwner} for the owner; others are refused and learn nothing`, async () => {
      const { org, machine_id, owner, admin, refused, theirs } = people;
      const reset =
        "UPDATE machines SET name = 'host', status = 'online', admin_disabled = 0, tags = '[]', shields_up = 0";
      await inStorage(org.orgId, reset);
      const given = typeof fields === "function" ? fields(machine_id) : fields;
      const ask = (token: string | undefined, more: object = {}) =>
        act(token, { action, org_id: org.orgId, machine_id, ...given, ...more });
      expect(await ask(undefined)).toBe("UNAUTHORIZED");
      for (const { token } of refused) expect(await ask(token)).toBe("FORBIDDEN");
      for (const unknown of [crypto.randomUUID(), theirs]) {
        expect(await ask(org.token, { machine_id: unknown })).toBe("NOT_FOUND");
        expect(await ask(org.token, { machine_id: unknown, org_id: undefined })).toBe("NOT_FOUND");
      }
      expect(await ask(org.token, { machine_id: undefined })).toBe("MISSING_FIELDS");
      expect(await ask(org.token, { machine_id: "x" })).toBe("INVALID_INPUT");
      expect(await ask(org.token, { org_id: "x" })).toBe("INVALID_INPUT");
      expect(await machinesOf(org)).toMatchObject([{ name: "host", status: "online", tags: [], shields_up: false }]);
      expect(await ask(owner.token)).toBe(byOwner);
      await inStorage(org.orgId, reset);
      expect(await ask(admin.token)).toBe(byAdmin);
    });
  }

  it("finds the machine's org where none is named, before D1 has heard of the machine and after", async () => {
    const { org, machine: { machine_id } } = await orgWithMachine();
    const second = await newOrg();
    const person = await memberOf(org, "admin");
    await env.DB.prepare("INSERT INTO org_members (org_id, user_id, role, created_at) VALUES (?, ?, 'owner', 0)")
      .bind(second.orgId, person.userId).run();
    expect(await act(person.token, { action: "rename", machine_id, name: "before" })).toBe("ok");
    for (let times = 0; times < 3; times++) await runDurableObjectAlarm(orgStub(org.orgId));
    expect(await act(person.token, { action: "rename", machine_id, name: "after" })).toBe("ok");
    expect(await machinesOf(org)).toMatchObject([{ name: "after" }]);
    expect(await act(second.token, { action: "rename", machine_id, name: "stolen" })).toBe("NOT_FOUND");
  });

  it("approve takes a pending machine online and keeps who did it and when", async () => {
    const { org, machine: { machine_id } } = await orgWithMachine();
    await inStorage(org.orgId, "UPDATE machines SET status = 'pending'");
    const admin = await memberOf(org, "admin");
    const before = Date.now();
    expect(await act(admin.token, { action: "approve", machine_id })).toBe("ok");
    const [machine] = await machinesOf(org);
    expect(machine).toMatchObject({ status: "online", approved_by: admin.userId });
    expect(Date.parse(machine!.approved_at!)).toBeGreaterThanOrEqual(before);
    expect(await act(admin.token, { action: "approve", machine_id })).toBe("INVALID_STATE");
  });
});

describe("two admins at once", () => {
  it("leave a machine in one of their two states, with a record of each change", async () => {
    const { org, machine: { machine_id } } = await orgWithMachine();
    const other = await memberOf(org, "admin");
    const ask = (token: string, action: string, more: object = {}) =>
      act(token, { action, org_id: org.orgId, machine_id, ...more });
    for (let round = 0; round < 5; round++) {
      await inStorage(org.orgId, "UPDATE machines SET status = 'online', admin_disabled = 0");
      expect(await Promise.all([ask(org.token, "quarantine"), ask(other.token, "disable")])).toEqual(["ok", "ok"]);
      expect(await machinesOf(org)).toMatchObject([{ status: "quarantined", admin_disabled: true }]);
      await inStorage(org.orgId, "UPDATE machines SET status = 'pending', admin_disabled = 0");
      const approvals = await Promise.all([ask(org.token, "approve"), ask(other.token, "approve")]);
      expect(approvals.sort()).toEqual(["INVALID_STATE", "ok"]);
      const names = [`one-${round}`, `two-${round}`];
      await Promise.all([
        ask(org.token, "rename", { name: names[0] }),
        ask(other.token, "rename", { name: names[1] }),
      ]);
      expect(names).toContain((await machinesOf(org))[0]?.name);
    }
    const last = await Promise.all([ask(org.token, "delete"), ask(other.token, "delete")]);
    expect(last.sort()).toEqual(["NOT_FOUND", "ok"]);
  });
});

describe("quarantineMachinesOf", () => {
  it("quarantines the online and offline machines of one person, with a record of each", async () => {
    const org = await newOrg();
    const { key } = await makeKey(org);
    const person = await memberOf(org, "member");
    const statuses = ["online", "offline", "pending", "quarantined"];
    for (const status of statuses) {
      const { machine_id } = await enrol(key, status);
      await giveTo(person, machine_id);
      await inStorage(org.orgId, "UPDATE machines SET status = ? WHERE id = ?", status, machine_id);
    }
    await enrol(key, "somebody's");
    const quarantine = () => orgStub(org.orgId).quarantineMachinesOf(person.userId as never, person.userId as never);
    expect(await quarantine()).toEqual({ ok: true, value: { machinesQuarantined: 2 } });
    expect((await machinesOf(org)).map(({ name, status }) => `${name}: ${status}`)).toEqual([
      "online: quarantined",
      "offline: quarantined",
      "pending: pending",
      "quarantined: quarantined",
      "somebodys: online",
    ]);
    expect(await quarantine()).toEqual({ ok: true, value: { machinesQuarantined: 0 } });
  });
});
