import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { machineHeartbeat } from "#protocol/api/machines.ts";
import { call } from "#protocol/api/call.ts";
import { CONTROL_PATH } from "#protocol/control/messages.ts";
import type { UserId } from "#protocol/ids.ts";
import { base, selfFetch } from "../support/api.ts";
import { Stream, upgrade } from "./inbox.ts";
import { enrol, makeKey, newInstallation, newMachine, newOrg, type Org, orgStub, outcome } from "./support.ts";

async function orgWithKey(): Promise<{ org: Org; key: string; keyId: string }> {
  const org = await newOrg();
  const { key, id } = await makeKey(org);
  return { org, key, keyId: id };
}

async function statusOf(org: Org, machineId: string): Promise<string | undefined> {
  const listed = await orgStub(org.orgId).listMachines();
  return listed.ok ? listed.value.find(({ id }) => id === machineId)?.status : undefined;
}

/** Deltas and statuses follow a close a moment later: the other side has to see it first. */
async function eventually(holds: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 100 && !(await holds()); i++) await new Promise((resolve) => setTimeout(resolve, 20));
  expect(await holds()).toBe(true);
}

describe("GET /api/control: a control stream", () => {
  it("brings the whole map, a token and a relay ticket after hello", async () => {
    const { org, key } = await orgWithKey();
    const a = await newMachine(key, "a");
    const b = await newMachine(key, "b");
    const stream = await Stream.open(a.node_key);
    stream.hello(a.publicKey, ["192.0.2.1:41641"]);
    const map = await stream.takeMap();
    expect(map.org.id).toBe(org.orgId);
    expect(map.self).toMatchObject({ id: a.machine_id, name: "a", tailnet_ip: "100.64.0.1", status: "online" });
    expect(map.self.address_pool).toBe("100.64.0.0/10");
    expect(map.peers).toMatchObject([{
      id: b.machine_id,
      tailnet_ip: "100.64.0.2",
      public_key: b.publicKey,
      allowed_ips: ["100.64.0.2/32"],
    }]);
    expect(map.relays.map((region) => region.hostname)).toContain("ztna.test");
    expect(await stream.take()).toMatchObject({ type: "token", expires_in: 86_400 });
    expect(await stream.take()).toMatchObject({ type: "ticket" });
  });

  it("tells of a machine that joins and of one that leaves, with numbers that follow one another", async () => {
    const { org, key, keyId } = await orgWithKey();
    const stable = await makeKey(org, { name: "stable" });
    const a = await newMachine(stable.key, "a");
    const { stream, map } = await Stream.joined(a.node_key, a.publicKey);
    const b = await newMachine(key, "b");
    const joined = await stream.takeDelta();
    expect(joined).toMatchObject({ since: map.seq, upsert: [{ id: b.machine_id, online: true }], remove: [] });
    const other = await Stream.joined(b.node_key, b.publicKey);
    other.stream.send({ type: "update", endpoints: ["192.0.2.2:41641"], relay_region: "blr1" });
    const moved = await stream.takeDelta();
    expect(moved.since).toBe(joined.seq);
    const found = moved.upsert[0]?.endpoints.length === 0 ? await stream.takeDelta() : moved;
    expect(found.upsert).toMatchObject([{ id: b.machine_id, endpoints: ["192.0.2.2:41641"], relay_region: "blr1" }]);
    await orgStub(org.orgId).revokeAuthKey(keyId as never, null as never);
    const left = await stream.takeDelta();
    expect(left).toMatchObject({ since: found.seq, upsert: [], remove: [b.machine_id] });
    const own = await other.stream.takeDelta();
    expect(own).toMatchObject({ self: { status: "quarantined" }, remove: [a.machine_id] });
  });

  it("goes on after its object was evicted, with the next number", async () => {
    const { org, key } = await orgWithKey();
    const a = await newMachine(key, "a");
    const { stream, map } = await Stream.joined(a.node_key, a.publicKey);
    await evictDurableObject(orgStub(org.orgId));
    const b = await newMachine(key, "b");
    expect(await stream.takeDelta()).toMatchObject({ since: map.seq, upsert: [{ id: b.machine_id }] });
    stream.socket.send("ping");
    stream.send({ type: "map_wanted" });
    // The runtime itself answers the keepalive, which is not one of our messages.
    expect(await stream.take()).toBeUndefined();
    expect((await stream.takeMap()).peers).toHaveLength(1);
  });

  it("takes its machine offline at bye and when it ends", async () => {
    const { org, key } = await orgWithKey();
    const a = await newMachine(key, "a");
    const b = await newMachine(key, "b");
    const watching = await Stream.joined(a.node_key, a.publicKey);
    const first = await Stream.joined(b.node_key, b.publicKey);
    first.stream.send({ type: "bye" });
    expect(await first.stream.take()).toEqual({ type: "bye_heard" });
    expect(await watching.stream.takeDelta()).toMatchObject({ upsert: [{ id: b.machine_id, online: false }] });
    const second = await Stream.joined(b.node_key, b.publicKey);
    expect(await watching.stream.takeDelta()).toMatchObject({ upsert: [{ id: b.machine_id, online: true }] });
    second.stream.socket.close(1000, "gone");
    expect(await watching.stream.takeDelta()).toMatchObject({ upsert: [{ id: b.machine_id, online: false }] });
    expect(await statusOf(org, b.machine_id)).toBe("offline");
  });

  it("gives way to a newer one of the same machine, which stays online", async () => {
    const { org, key } = await orgWithKey();
    const a = await newMachine(key, "a");
    const older = await Stream.joined(a.node_key, a.publicKey);
    await Stream.joined(a.node_key, a.publicKey);
    expect(await older.stream.closed).toEqual({ code: 4002, reason: "replaced" });
    expect(await statusOf(org, a.machine_id)).toBe("online");
  });

  it("is refused without a node key of this deploy, and closed for a node key nobody has", async () => {
    const { key } = await orgWithKey();
    const bad = await upgrade(CONTROL_PATH, { authorization: `Bearer ${"0".repeat(64)}` });
    expect(bad.status).toBe(401);
    expect((await selfFetch(base + CONTROL_PATH, {})).status).toBe(426);
    const a = await newMachine(key, "a");
    const again = await enrol(key, "a", { wireguard_public_key: a.publicKey as never });
    expect(again.machine_id).toBe(a.machine_id);
    const stream = await Stream.open(a.node_key);
    expect(await stream.closed).toEqual({ code: 4001, reason: "INVALID_NODE_KEY" });
  });

  it("does not mind what is not of the protocol", async () => {
    const { key } = await orgWithKey();
    const a = await newMachine(key, "a");
    const { stream } = await Stream.joined(a.node_key, a.publicKey);
    stream.socket.send("{");
    stream.socket.send(JSON.stringify({ type: "hello" }));
    stream.socket.send(new Uint8Array([1, 2, 3]));
    stream.send({ type: "map_wanted" });
    expect((await stream.takeMap()).self.name).toBe("a");
    stream.socket.send("x".repeat(20_000));
    expect(await stream.closed).toMatchObject({ code: 1009 });
  });

  it("protects its machine's name from another installation while it is open", async () => {
    const { key } = await orgWithKey();
    const a = await newMachine(key, "a");
    const { stream } = await Stream.joined(a.node_key, a.publicKey);
    const thief = await newInstallation();
    expect(await outcome(enrol(key, "a", await thief.proof(key, "a")))).toBe("REGISTRATION_CONFLICT");
    expect(await outcome(enrol(key, "a"))).toBe("REGISTRATION_CONFLICT");
    stream.socket.close(1000, "gone");
    await eventually(async () => (await outcome(enrol(key, "a"))) === "ok");
  });
});

describe("POST /api/machine-heartbeat: a heartbeat over HTTP", () => {
  it("reports the machine online or offline and answers with peers, token and ticket", async () => {
    const { org, key } = await orgWithKey();
    const a = await newMachine(key, "a");
    const b = await newMachine(key, "b");
    const beat = await call(selfFetch, base, machineHeartbeat, { node_key: a.node_key, endpoints: ["192.0.2.1:5"] });
    expect(beat).toMatchObject({ status: "online", peers: [{ id: b.machine_id }], expires_in: 86_400 });
    expect(beat.relay_ticket?.ticket).toMatch(/^v1\./);
    const off = await call(selfFetch, base, machineHeartbeat, { node_key: a.node_key, status: "offline" });
    expect(off.status).toBe("offline");
    expect(await statusOf(org, a.machine_id)).toBe("offline");
  });

  it("is refused with INVALID_NODE_KEY for a made-up node key, and one of a machine that registered again", async () => {
    const { key } = await orgWithKey();
    const beat = (node_key: string) => outcome(call(selfFetch, base, machineHeartbeat, { node_key }));
    expect(await beat("f".repeat(64))).toBe("INVALID_NODE_KEY");
    expect(await beat("not a key")).toBe("INVALID_NODE_KEY");
    const first = await enrol(key, "a");
    await enrol(key, "a");
    expect(await beat(first.node_key)).toBe("INVALID_NODE_KEY");
  });

  it("of a quarantined machine is heard but brings no peers", async () => {
    const { org, key, keyId } = await orgWithKey();
    const a = await newMachine(key, "a");
    await newMachine((await makeKey(org)).key, "b");
    await orgStub(org.orgId).revokeAuthKey(keyId as never, null as never);
    const beat = await call(selfFetch, base, machineHeartbeat, { node_key: a.node_key });
    expect(beat).toMatchObject({ status: "quarantined", quarantined: true, peers: [], relay_ticket: null });
  });

  it("is refused with KEY_EXPIRED when the machine's key is too old, with PENDING_APPROVAL while it waits", async () => {
    const { org, key } = await orgWithKey();
    const a = await newMachine(key, "a");
    const set = (statement: string) =>
      runInDurableObject(orgStub(org.orgId), (_, state) => {
        state.storage.sql.exec(statement);
      });
    const beat = () => outcome(call(selfFetch, base, machineHeartbeat, { node_key: a.node_key }));
    await set("UPDATE machines SET status = 'pending'");
    expect(await beat()).toBe("PENDING_APPROVAL");
    await set("UPDATE machines SET status = 'online', key_created_at = 0");
    expect(await beat()).toBe("KEY_EXPIRED");
  });
});

describe("a machine without a stream", () => {
  it("is marked offline when it was silent for too long", async () => {
    const { org, key } = await orgWithKey();
    const a = await newMachine(key, "a");
    const b = await newMachine(key, "b");
    await Stream.joined(b.node_key, b.publicKey);
    await runInDurableObject(orgStub(org.orgId), (_, state) => {
      state.storage.sql.exec("UPDATE machines SET last_seen = last_seen - 181000");
    });
    // The first alarm copies to D1, the next one looks for the silent.
    await runDurableObjectAlarm(orgStub(org.orgId));
    await runDurableObjectAlarm(orgStub(org.orgId));
    expect(await statusOf(org, a.machine_id)).toBe("offline");
    expect(await statusOf(org, b.machine_id)).toBe("online");
  });
});

describe("an ephemeral machine", () => {
  async function ephemeralPair() {
    const { org, key } = await orgWithKey();
    const { key: ephemeral } = await makeKey(org, { ephemeral: true });
    const [kept, passing] = [await newMachine(key, "kept"), await newMachine(ephemeral, "passing")];
    const { stream } = await Stream.joined(kept.node_key, kept.publicKey);
    const age = (seconds: number) =>
      runInDurableObject(orgStub(org.orgId), (_, state) => {
        const back = `UPDATE machines SET last_seen = last_seen - ? WHERE id = ?`;
        state.storage.sql.exec(back, seconds * 1000, passing.machine_id);
      });
    const ring = async () => {
      for (let times = 0; times < 5; times++) await runDurableObjectAlarm(orgStub(org.orgId));
    };
    return { org, stream, kept, passing, age, ring };
  }

  it("that falls silent is deleted, and its peers forget it", async () => {
    const { org, stream, passing, age, ring } = await ephemeralPair();
    await age(181);
    await ring();
    expect(await statusOf(org, passing.machine_id)).toBeUndefined();
    expect(await stream.takeDelta()).toMatchObject({ remove: [passing.machine_id] });
    const heartbeat = call(selfFetch, base, machineHeartbeat, { node_key: passing.node_key });
    expect(await outcome(heartbeat)).toBe("INVALID_NODE_KEY");
  });

  it("that an admin has switched off stays, so that its agent does not come back by enrolling again", async () => {
    const { org, passing, age, ring } = await ephemeralPair();
    const actor = { userId: crypto.randomUUID() as UserId, isAdmin: true };
    await orgStub(org.orgId).administerMachine(passing.machine_id, { do: "disable", details: {} }, actor);
    await age(3_600);
    await ring();
    expect(await statusOf(org, passing.machine_id)).toBe("offline");
  });

  it("that said goodbye may come back for half an hour", async () => {
    const { org, stream, kept, passing, age, ring } = await ephemeralPair();
    // With nobody online there is no other look that would come first.
    stream.socket.close(1000, "gone");
    await eventually(async () => (await statusOf(org, kept.machine_id)) === "offline");
    const beat = (status: "online" | "offline") =>
      call(selfFetch, base, machineHeartbeat, { node_key: passing.node_key, status });
    await beat("offline");
    await age(1_790);
    await ring();
    expect(await statusOf(org, passing.machine_id)).toBe("offline");
    await beat("online");
    await beat("offline");
    await age(1_801);
    await ring();
    expect(await statusOf(org, passing.machine_id)).toBeUndefined();
  });
});
