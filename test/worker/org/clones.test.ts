import { runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { call } from "#protocol/api/call.ts";
import { machineHeartbeat } from "#protocol/api/machines.ts";
import { base, selfFetch } from "../support/api.ts";
import { Stream } from "./inbox.ts";
import { enrol, makeKey, newInstallation, newOrg, orgStub, outcome } from "./support.ts";

async function machine() {
  const org = await newOrg();
  const { key } = await makeKey(org);
  const installation = await newInstallation();
  const registered = await enrol(key, "a", await installation.proof(key, "a"));
  return { org, key, installation, ...registered, publicKey: installation.wireguardPublicKey };
}

/** A start of an agent with these keys, up to its first map; what it was told before that. */
async function start(nodeKey: string, publicKey: string, instance: string) {
  const stream = await Stream.open(nodeKey);
  stream.hello(publicKey, [], undefined, instance);
  const told: string[] = [];
  for (;;) {
    const { type } = await stream.take();
    if (type === "map") break;
    told.push(type);
  }
  return { stream, told };
}

describe("a cloned state directory", () => {
  it("is found when the first of two agents comes back: the younger one must part, the older one is told", async () => {
    const { org, node_key, publicKey } = await machine();
    const original = await start(node_key, publicKey, "original");
    const copy = await start(node_key, publicKey, "copy");
    expect(await original.stream.closed).toEqual({ code: 4002, reason: "replaced" });
    expect(copy.told).toEqual([]);
    const back = await start(node_key, publicKey, "original");
    expect(back.told).toEqual(["clone_seen"]);
    expect(await copy.stream.closed).toEqual({ code: 4003, reason: "cloned" });
    const audits = await runInDurableObject(
      orgStub(org.orgId),
      (_, state) =>
        state.storage.sql.exec("SELECT resource_id FROM audit_outbox WHERE action = 'machine.clone_parted'").toArray(),
    );
    expect(audits).toHaveLength(1);
  });

  it("is not found in an agent that is started again, or reconnects itself", async () => {
    const { node_key, publicKey } = await machine();
    for (const instance of ["first", "first", "second", "second", "third"]) {
      expect((await start(node_key, publicKey, instance)).told).toEqual([]);
    }
  });

  it("that registers again is found when the original comes back with the node key from before", async () => {
    const { org, key, machine_id, node_key, publicKey, installation } = await machine();
    const original = await start(node_key, publicKey, "original");
    const copied = await enrol(key, "a", await installation.proof(key, "a"));
    expect(copied.machine_id).toBe(machine_id);
    expect(await original.stream.closed).toEqual({ code: 4002, reason: "replaced" });
    const copy = await start(copied.node_key, publicKey, "copy");
    const back = await start(node_key, publicKey, "original");
    expect(back.told).toEqual(["clone_seen"]);
    expect(await copy.stream.closed).toEqual({ code: 4003, reason: "cloned" });
    expect(await (await Stream.open(copied.node_key)).closed).toEqual({ code: 4001, reason: "INVALID_NODE_KEY" });
    const beat = await call(selfFetch, base, machineHeartbeat, { node_key });
    expect(beat).toMatchObject({ status: "online", self: { id: machine_id } });
    expect(org.orgId).toBe(beat.org.id);
  });

  it("is not suspected minutes later: a node key that was replaced is void", async () => {
    const { org, key, node_key, installation } = await machine();
    await enrol(key, "a", await installation.proof(key, "a"));
    await runInDurableObject(orgStub(org.orgId), (_, state) => {
      state.storage.sql.exec("UPDATE machines SET key_created_at = key_created_at - 301000");
    });
    expect(await (await Stream.open(node_key)).closed).toEqual({ code: 4001, reason: "INVALID_NODE_KEY" });
    expect(await outcome(call(selfFetch, base, machineHeartbeat, { node_key }))).toBe("INVALID_NODE_KEY");
  });

  it("leaves its machine to the original when it registers with keys of its own", async () => {
    const { key, machine_id, node_key, publicKey, tailnet_ip } = await machine();
    const original = await start(node_key, publicKey, "original");
    const parted = await newInstallation();
    const own = await enrol(key, "a-2", await parted.proof(key, "a-2"));
    expect(own.machine_id).not.toBe(machine_id);
    expect(own.tailnet_ip).not.toBe(tailnet_ip);
    expect(await original.stream.take()).toMatchObject({ type: "token" });
  });
});
