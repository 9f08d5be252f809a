import { env, runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { signMachineToken } from "#domain/secrets/machine-token.ts";
import { call } from "#protocol/api/call.ts";
import { machineHeartbeat } from "#protocol/api/machines.ts";
import { listAuthKeys, listMachines } from "#protocol/api/tables.ts";
import type { MachineId, OrgId } from "#protocol/ids.ts";
import { readConfig } from "../../../worker/config.ts";
import { enrol, makeKey, newOrg, type Org, orgStub, outcome } from "../org/support.ts";
import { base, post, selfFetch } from "../support/api.ts";

async function orgWithMachine(keyOptions: Parameters<typeof makeKey>[1] = {}) {
  const org = await newOrg();
  const { key, id } = await makeKey(org, keyOptions);
  return { org, key, keyId: id, machine: await enrol(key, "host") };
}

function list(org: Org, token: string) {
  return call(selfFetch, base, listMachines, { org_id: org.orgId }, { token });
}

async function act(token: string, action: string, machine_id: string, more: object = {}) {
  const { status, envelope } = await post("/api/machine-admin", { action, machine_id, ...more }, {
    authorization: `Bearer ${token}`,
  });
  return { status, data: envelope.data, code: envelope.error?.code };
}

function admin(org: Org, action: string, machineId: string, more: object = {}) {
  return act(org.token, action, machineId, { org_id: org.orgId, ...more });
}

describe("a machine's token", () => {
  it("lists the machines of its org with GET /api/db/machines, also the one of a heartbeat", async () => {
    const { org, machine } = await orgWithMachine();
    expect(await list(org, machine.token)).toMatchObject([{ id: machine.machine_id, name: "host" }]);
    const { token } = await call(selfFetch, base, machineHeartbeat, { node_key: machine.node_key });
    expect(await list(org, token)).toHaveLength(1);
  });

  it("reads nothing of another org, and no other table", async () => {
    const { org, machine } = await orgWithMachine();
    const other = await newOrg();
    expect(await outcome(list(other, machine.token))).toBe("FORBIDDEN");
    const keys = call(selfFetch, base, listAuthKeys, { org_id: org.orgId }, { token: machine.token });
    expect(await outcome(keys)).toBe("FORBIDDEN");
  });

  it("renames, tags and sets the flags of its own machine with POST /api/machine-admin, without naming the org", async () => {
    const { org, machine: { token, machine_id } } = await orgWithMachine({ allowed_tags: ["web", "db"] });
    expect(await act(token, "rename", machine_id, { name: "new name" })).toMatchObject({
      status: 200,
      data: { machine_id, name: "new name" },
    });
    const flags = { shields_up: true, accept_routes: true, advertised_routes: ["10.0.0.0/24"] };
    expect((await act(token, "update_flags", machine_id, flags)).data).toEqual({ machine_id, ...flags });
    expect((await act(token, "update_tags", machine_id, { tags: ["tag:db", "root"] })).data).toEqual({
      machine_id,
      tags: ["db"],
    });
    expect(await list(org, token)).toMatchObject([{ name: "new name", tags: ["db"], ...flags }]);
  });

  it("does not take away a tag an admin has put on its machine", async () => {
    const { org, machine: { token, machine_id } } = await orgWithMachine({ allowed_tags: ["web"] });
    await admin(org, "update_tags", machine_id, { tags: ["restricted"] });
    expect((await act(token, "update_tags", machine_id, { tags: ["web"] })).data).toEqual({
      machine_id,
      tags: ["restricted", "web"],
    });
  });

  it("is FORBIDDEN to act on another machine, to do what people decide, and to name another org", async () => {
    const { org, key, machine: { token, machine_id } } = await orgWithMachine();
    const peer = await enrol(key, "peer");
    for (const id of [peer.machine_id, crypto.randomUUID()]) {
      expect(await act(token, "rename", id, { name: "x" })).toMatchObject({ status: 403, code: "FORBIDDEN" });
    }
    for (const action of ["approve", "enable", "disable", "quarantine", "unquarantine", "delete"]) {
      expect(await act(token, action, machine_id), action).toMatchObject({ status: 403, code: "FORBIDDEN" });
    }
    const other = await newOrg();
    const elsewhere = await act(token, "rename", machine_id, { name: "x", org_id: other.orgId });
    expect(elsewhere).toMatchObject({ status: 403, code: "FORBIDDEN" });
    const create = { action: "create_auth_key", org_id: org.orgId, name: "x" };
    expect(await post("/api/key-management", create, { authorization: `Bearer ${token}` })).toMatchObject({
      status: 403,
      envelope: { error: { code: "FORBIDDEN" } },
    });
  });

  it("is FORBIDDEN while the machine is quarantined or disabled", async () => {
    const { org, machine: { token, machine_id } } = await orgWithMachine();
    for (const [bar, lift] of [["quarantine", "unquarantine"], ["disable", "enable"]] as const) {
      await admin(org, bar, machine_id);
      expect(await outcome(list(org, token)), bar).toBe("FORBIDDEN");
      expect(await act(token, "rename", machine_id, { name: "x" }), bar).toMatchObject({ code: "FORBIDDEN" });
      await admin(org, lift, machine_id);
      expect(await outcome(list(org, token)), lift).toBe("ok");
    }
  });

  it("is UNAUTHORIZED once the machine has another node key, or is gone", async () => {
    const { org, key, machine: { token, machine_id } } = await orgWithMachine();
    const again = await enrol(key, "host");
    expect(again.machine_id).toBe(machine_id);
    expect(await outcome(list(org, token))).toBe("UNAUTHORIZED");
    expect(await act(token, "rename", machine_id, { name: "x" })).toMatchObject({ status: 401, code: "UNAUTHORIZED" });
    expect(await outcome(list(org, again.token))).toBe("ok");
    await admin(org, "delete", machine_id);
    expect(await outcome(list(org, again.token))).toBe("UNAUTHORIZED");
  });

  it("is refused with KEY_EXPIRED once the node key has expired", async () => {
    const { org, machine } = await orgWithMachine();
    await runInDurableObject(orgStub(org.orgId), (_, { storage }) => {
      storage.sql.exec("UPDATE machines SET key_created_at = key_created_at - 181 * 86400000");
    });
    expect(await outcome(list(org, machine.token))).toBe("KEY_EXPIRED");
  });

  it("is UNAUTHORIZED when it is of another deploy, expired, or of an org nobody founded", async () => {
    const { org, machine } = await orgWithMachine();
    const claims = {
      machineId: machine.machine_id as MachineId,
      orgId: org.orgId as OrgId,
      nodeKeyHash: "00".repeat(32),
      issuedAt: Math.floor(Date.now() / 1000),
      lifetime: 60,
    };
    const { secret } = readConfig(env);
    const nowhere = crypto.randomUUID() as OrgId;
    const refused: [orgId: string, token: string][] = [
      [org.orgId, signMachineToken(new Uint8Array(32), claims)],
      [org.orgId, signMachineToken(secret, { ...claims, lifetime: -1 })],
      [org.orgId, signMachineToken(secret, claims)],
      [nowhere, signMachineToken(secret, { ...claims, orgId: nowhere })],
    ];
    for (const [orgId, token] of refused) expect(await outcome(list({ ...org, orgId }, token))).toBe("UNAUTHORIZED");
  });
});
