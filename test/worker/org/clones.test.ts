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
async function start(nodeKey: string, publicKey: string, instance: string, signature?: string) {
  const stream = await Stream.open(nodeKey);
  stream.hello(publicKey, [], undefined, instance, signature);
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
    const signature = await installation.helloProof(node_key, "original");
    const back = await start(node_key, publicKey, "original", signature);
    expect(back.told).toEqual(["clone_seen"]);
    expect(await copy.stream.closed).toEqual({ code: 4003, reason: "cloned" });
    expect(await (await Stream.open(copied.node_key)).closed).toEqual({ code: 4001, reason: "INVALID_NODE_KEY" });
    const beat = await call(selfFetch, base, machineHeartbeat, { node_key });
    expect(beat).toMatchObject({ status: "online", self: { id: machine_id } });
    expect(org.orgId).toBe(beat.org.id);
  });

  it("is not suspected minutes later: a node key that was replaced is void", async () => {
    const { org, key, node_key, publicKey, installation } = await machine();
    await enrol(key, "a", await installation.proof(key, "a"));
    const claim = await Stream.open(node_key);
    await runInDurableObject(orgStub(org.orgId), (_, state) => {
      state.storage.sql.exec("UPDATE machines SET key_created_at = key_created_at - 301000");
    });
    claim.hello(publicKey, [], undefined, "late", await installation.helloProof(node_key, "late"));
    expect(await claim.closed).toEqual({ code: 4001, reason: "INVALID_NODE_KEY" });
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

describe("a stolen node key that its machine has replaced by registering again", () => {
  const refused = { code: 4001, reason: "INVALID_NODE_KEY" };

  async function stolen() {
    const known = await machine();
    const again = await enrol(known.key, "a", await known.installation.proof(known.key, "a"));
    const owner = await start(again.node_key, known.publicKey, "owner");
    return { ...known, owner: owner.stream, freshKey: again.node_key };
  }

  it("is void at once to who has not got the machine key as well", async () => {
    const { org, node_key, machine_id, installation, owner } = await stolen();
    const thief = await newInstallation();
    const signatures = [
      undefined,
      await thief.helloProof(node_key, "thief"),
      // One that was overheard, of another start or for another node key.
      await installation.helloProof(node_key, "owner"),
      await installation.helloProof("f".repeat(64), "thief"),
    ];
    for (const signature of signatures) {
      const stream = await Stream.open(node_key);
      stream.hello(thief.wireguardPublicKey, [], undefined, "thief", signature);
      expect(await stream.closed).toEqual(refused);
      expect(stream.pending).toBe(0);
    }
    expect(await outcome(call(selfFetch, base, machineHeartbeat, { node_key }))).toBe("INVALID_NODE_KEY");
    owner.send({ type: "map_wanted" });
    expect((await owner.takeNext("map")).map.self.id).toBe(machine_id);
    const listed = await orgStub(org.orgId).listMachines();
    expect(listed).toMatchObject({ value: [{ status: "online", public_key: installation.wireguardPublicKey }] });
  });

  it("stands for no presence while nothing is proven, and nothing else can be said with it", async () => {
    const { org, node_key, machine_id, owner } = await stolen();
    const silent = await Stream.open(node_key);
    const talker = await Stream.open(node_key);
    talker.send({ type: "map_wanted" });
    expect(await talker.closed).toEqual(refused);
    owner.send({ type: "bye" });
    await owner.takeNext("bye_heard");
    const status = async () => {
      const listed = await orgStub(org.orgId).listMachines();
      return listed.ok ? listed.value.find(({ id }) => id === machine_id)?.status : undefined;
    };
    expect(await status()).toBe("offline");
    silent.socket.close(1000, "gone");
    expect(await status()).toBe("offline");
  });
});
