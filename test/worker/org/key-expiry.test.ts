import { env, evictDurableObject, runDurableObjectAlarm } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { call } from "#protocol/api/call.ts";
import { CLOSE_REFUSED } from "#protocol/control/messages.ts";
import { revokeAuthKey } from "#protocol/api/auth-keys.ts";
import { machineHeartbeat } from "#protocol/api/machines.ts";
import { listAuthKeys } from "#protocol/api/tables.ts";
import { base, selfFetch } from "../support/api.ts";
import { Stream } from "./inbox.ts";
import { inStorage } from "./members.ts";
import { enrol, makeKey, newInstallation, newOrg, type Org, orgStub, outcome } from "./support.ts";

const DAY_MS = 86_400_000;

async function newMachine(key: string, name: string) {
  const installation = await newInstallation();
  const machine = await enrol(key, name, await installation.proof(key, name));
  return { ...machine, publicKey: installation.wireguardPublicKey };
}

/** Lets the alarm ring when the keys' ends are due. */
async function ring({ orgId }: Org): Promise<void> {
  await inStorage(
    orgId,
    "UPDATE chores SET due_at = 0 WHERE name IN ('expire_node_keys', 'expire_auth_keys', 'project')",
  );
  await evictDurableObject(orgStub(orgId));
  for (let times = 0; times < 3; times++) await runDurableObjectAlarm(orgStub(orgId));
}

async function audited({ orgId }: Org, action: string) {
  const { results } = await env.DB.prepare("SELECT resource_id FROM audit_logs WHERE org_id = ? AND action = ?")
    .bind(orgId, action).all<{ resource_id: string }>();
  return results.map(({ resource_id }) => resource_id);
}

async function machineOf({ orgId }: Org, id: string) {
  const listed = await orgStub(orgId).listMachines();
  return listed.ok ? listed.value.find((machine) => machine.id === id) : undefined;
}

describe("a node key that comes to its end", () => {
  async function orgWithTwo() {
    const org = await newOrg();
    const { key } = await makeKey(org);
    const [old, peer] = [await newMachine(key, "old"), await newMachine(key, "peer")];
    const age = (days: number) =>
      inStorage(
        org.orgId,
        "UPDATE machines SET key_created_at = key_created_at - ? WHERE id = ?",
        days * DAY_MS,
        old.machine_id,
      );
    return { org, key, old, peer, age };
  }

  it("takes its machine offline, closes its stream with KEY_EXPIRED, and its peers drop it", async () => {
    const { org, old, peer, age } = await orgWithTwo();
    const own = await Stream.joined(old.node_key, old.publicKey);
    const other = await Stream.joined(peer.node_key, peer.publicKey);
    await age(180);
    await ring(org);
    expect(await own.stream.closed).toEqual({ code: CLOSE_REFUSED, reason: "KEY_EXPIRED" });
    let delta = await other.stream.takeDelta();
    while (delta.remove.length === 0) delta = await other.stream.takeDelta();
    expect(delta.remove).toEqual([old.machine_id]);
    expect(await machineOf(org, old.machine_id)).toMatchObject({ status: "offline", key_expired: true });
    expect(await machineOf(org, peer.machine_id)).toMatchObject({ status: "online", key_expired: false });
    await ring(org);
    expect(await audited(org, "machine.key_expired")).toEqual([old.machine_id]);
    const beat = call(selfFetch, base, machineHeartbeat, { node_key: old.node_key });
    expect(await outcome(beat)).toBe("KEY_EXPIRED");
  });

  it("may live on where the machine's key expiry is disabled", async () => {
    const { org, old, age } = await orgWithTwo();
    await inStorage(org.orgId, "UPDATE machines SET key_expiry_disabled = 1 WHERE id = ?", old.machine_id);
    await age(1_000);
    await ring(org);
    expect(await machineOf(org, old.machine_id)).toMatchObject({ status: "online", key_expired: false });
    const beat = call(selfFetch, base, machineHeartbeat, { node_key: old.node_key });
    expect(await outcome(beat)).toBe("ok");
  });

  it("is replaced by registering again, and its peers have the machine back", async () => {
    const { org, key, old, peer, age } = await orgWithTwo();
    await age(180);
    await ring(org);
    const other = await Stream.joined(peer.node_key, peer.publicKey);
    expect(other.map.peers).toEqual([]);
    await enrol(key, "old");
    expect(await other.stream.takeDelta()).toMatchObject({ upsert: [{ id: old.machine_id, online: true }] });
    expect(await machineOf(org, old.machine_id)).toMatchObject({ status: "online", key_expired: false });
  });

  it("leaves a quarantined machine where it is", async () => {
    const { org, old, age } = await orgWithTwo();
    await inStorage(org.orgId, "UPDATE machines SET status = 'quarantined' WHERE id = ?", old.machine_id);
    await age(180);
    await ring(org);
    expect(await machineOf(org, old.machine_id)).toMatchObject({ status: "quarantined", key_expired: true });
  });
});

describe("an auth key that comes to its end", () => {
  it("is listed as revoked and expired, with one audit record; its machines stay until an admin revokes it", async () => {
    const org = await newOrg();
    const [ended, lasting] = [await makeKey(org), await makeKey(org)];
    const machine = await enrol(ended.key, "a");
    await inStorage(org.orgId, "UPDATE auth_keys SET expires_at = ? WHERE id = ?", Date.now() - 1, ended.id);
    await ring(org);
    await ring(org);
    const keys = await call(selfFetch, base, listAuthKeys, { org_id: org.orgId }, { token: org.token });
    expect(keys.map(({ id, revoked, expired }) => [id, revoked, expired]).sort()).toEqual(
      [[ended.id, true, true], [lasting.id, false, false]].sort(),
    );
    expect(await audited(org, "auth_key.expired")).toEqual([ended.id]);
    expect(await machineOf(org, machine.machine_id)).toMatchObject({ status: "online" });
    await call(selfFetch, base, revokeAuthKey, { org_id: org.orgId, key_id: ended.id }, { token: org.token });
    const after = await call(selfFetch, base, listAuthKeys, { org_id: org.orgId }, { token: org.token });
    expect(after.find(({ id }) => id === ended.id)).toMatchObject({ revoked: true, expired: false });
    expect(await machineOf(org, machine.machine_id)).toMatchObject({ status: "quarantined" });
  });
});
