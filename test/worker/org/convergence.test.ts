import { describe, expect, it } from "vitest";
import { call } from "#protocol/api/call.ts";
import { machineHeartbeat } from "#protocol/api/machines.ts";
import type { UserId } from "#protocol/ids.ts";
import { base, selfFetch } from "../support/api.ts";
import { Stream } from "./inbox.ts";
import { makeKey, newMachine, newOrg, orgStub, outcome } from "./support.ts";

const admin = { userId: crypto.randomUUID() as UserId, isAdmin: true };

async function pair() {
  const org = await newOrg();
  const { key } = await makeKey(org);
  const [a, b] = [await newMachine(key, "a"), await newMachine(key, "b")];
  const first = await Stream.joined(a.node_key, a.publicKey);
  return { stub: orgStub(org.orgId), key, a, b, first };
}

describe("an agent that was away", () => {
  it("knows after one reconnect what was renamed, joined, left and changed meanwhile", async () => {
    const { stub, key, a, b, first } = await pair();
    first.stream.socket.close(1000, "gone");
    await stub.administerMachine(a.machine_id, { do: "rename", name: "a-renamed" }, admin);
    await stub.deleteMachine(b.machine_id, admin);
    const c = await newMachine(key, "c");
    const { map } = await Stream.joined(a.node_key, a.publicKey);
    expect(map.seq).toBeGreaterThan(first.map.seq);
    expect(map.self).toMatchObject({ name: "a-renamed", status: "online" });
    expect(map.peers.map(({ id }) => id)).toEqual([c.machine_id]);
  });

  it("hears after one reconnect that it is quarantined, and of everybody once it is released", async () => {
    const { stub, a, b, first } = await pair();
    first.stream.socket.close(1000, "gone");
    await stub.administerMachine(a.machine_id, { do: "quarantine", details: {} }, admin);
    const stream = await Stream.open(a.node_key);
    stream.hello(a.publicKey);
    const map = await stream.takeMap();
    expect(map.self.status).toBe("quarantined");
    expect(map.peers).toEqual([]);
    expect(await stream.take()).toMatchObject({ type: "token" });
    await stub.administerMachine(a.machine_id, { do: "unquarantine", details: {} }, admin);
    const released = await stream.takeDelta();
    expect(released.self?.status).toBe("online");
    expect(released.upsert.map(({ id }) => id)).toEqual([b.machine_id]);
  });

  it("is refused with INVALID_NODE_KEY when it was deleted meanwhile, on the stream and over HTTP", async () => {
    const { stub, a, first } = await pair();
    await stub.deleteMachine(a.machine_id, admin);
    expect(await first.stream.closed).toEqual({ code: 4001, reason: "INVALID_NODE_KEY" });
    expect(await (await Stream.open(a.node_key)).closed).toEqual({ code: 4001, reason: "INVALID_NODE_KEY" });
    const heartbeat = call(selfFetch, base, machineHeartbeat, { node_key: a.node_key });
    expect(await outcome(heartbeat)).toBe("INVALID_NODE_KEY");
  });

  it("is disabled and enabled over its open stream", async () => {
    const { stub, a, b, first: { stream } } = await pair();
    await stub.administerMachine(a.machine_id, { do: "disable", details: {} }, admin);
    expect(await stream.takeDelta()).toMatchObject({ self: { status: "offline" }, remove: [b.machine_id] });
    const beat = await call(selfFetch, base, machineHeartbeat, { node_key: a.node_key });
    expect(beat).toMatchObject({ status: "offline", admin_disabled: true, peers: [] });
    await stub.administerMachine(a.machine_id, { do: "enable", details: {} }, admin);
    expect(await stream.takeDelta()).toMatchObject({ self: { status: "online" }, upsert: [{ id: b.machine_id }] });
  });
});
