import { env, evictDurableObject } from "cloudflare:test";
import { describe, expect, it, vi } from "vitest";
import { CONTROL_LANE_BYTES, FRAME_CAP_BYTES, writeCredit, writePing } from "#protocol/relay/frames.ts";
import type { RelayCounters } from "../../../durable-objects/relay/agent.ts";
import type { DerpRelay } from "../../../durable-objects/relay/object.ts";
import { keyOf, RelayClient, sendFrame } from "../support/relay-client.ts";

let orgs = 0;

/** Two agents of an org of their own. */
async function pair() {
  const orgTag = (++orgs).toString(16).padStart(16, "0");
  const [a, b] = [await RelayClient.open(orgTag, keyOf(1)), await RelayClient.open(orgTag, keyOf(2))];
  return { orgTag, a, b, relay: env.RELAY.getByName(`${orgTag}:blr1:0`) };
}

function untilCounted(relay: DurableObjectStub<DerpRelay>, counters: Partial<RelayCounters>): Promise<void> {
  return vi.waitFor(async () => expect(await relay.readCounters()).toMatchObject(counters), { timeout: 4000 });
}

const packet = (byte: number, length = 100) => new Uint8Array(length).fill(byte);

describe("the relay", () => {
  it("hands a bundle to its destination under the sender's key, both ways", async () => {
    const { a, b } = await pair();
    a.send(b.key, packet(7), packet(8));
    expect(await b.hear(1)).toMatchObject([{ type: "receive", source: a.key }]);
    expect(b.packets).toEqual([packet(7), packet(8)]);
    b.send(a.key, packet(9));
    await a.hear(1);
    expect(a.packets).toEqual([packet(9)]);
  });

  it("keeps the order of what one agent sends another", async () => {
    const { a, b } = await pair();
    for (let i = 0; i < 200; i++) a.send(b.key, packet(i));
    await b.hear(200);
    expect(b.packets.map((each) => each[0])).toEqual(Array.from({ length: 200 }, (_, i) => i));
  });

  it("tells a sender once a second at most that its peer is not there", async () => {
    const { a, relay } = await pair();
    for (let i = 0; i < 5; i++) a.send(keyOf(9), packet(1));
    a.socket.send(writePing(new Uint8Array(8)));
    expect((await a.hear(2)).map((frame) => frame.type)).toEqual(["peerGone", "pong"]);
    expect(a.frames[0]).toMatchObject({ peer: keyOf(9) });
    expect(await relay.readCounters()).toMatchObject({ gone: 5, forwarded: 0 });
  });

  it("does not reach an agent of another org with the same key", async () => {
    const [one, other] = [await pair(), await pair()];
    one.b.socket.close();
    await one.b.until(() => one.b.closeCode !== undefined);
    one.a.send(keyOf(2), packet(1));
    expect(await one.a.hear(1)).toMatchObject([{ type: "peerGone" }]);
    expect(other.b.frames).toEqual([]);
  });

  it("lets an agent talk to itself", async () => {
    const { a } = await pair();
    a.send(a.key, packet(5));
    expect(await a.hear(1)).toMatchObject([{ type: "receive", source: a.key }]);
  });

  it("closes the older socket when a key connects again, and then serves the newer", async () => {
    const { orgTag, a, b } = await pair();
    const newer = await RelayClient.open(orgTag, b.key);
    await b.until(() => b.closeCode !== undefined);
    expect(b.closeCode).toBe(4002);
    a.send(b.key, packet(3));
    await newer.hear(1);
    expect(b.frames).toEqual([]);
  });

  it("answers the keep-alive text without the object", async () => {
    const { a } = await pair();
    const answer = new Promise((resolve) => a.socket.addEventListener("message", ({ data }) => resolve(data)));
    a.socket.send("ping");
    expect(await answer).toBe("pong");
  });

  it("counts and drops what is malformed, and goes on", async () => {
    const { a, b, relay } = await pair();
    for (
      const bytes of [[], [0], [1], [99, 1, 2], [4, 1], [5, 1, 2], [2, ...keyOf(1), 1], [6, 0, 0, 0, 0, 0, 0, 0, 0]]
    ) {
      a.socket.send(new Uint8Array(bytes));
    }
    a.socket.send("hello");
    a.socket.send(sendFrame(b.key));
    a.send(b.key, packet(1));
    await b.hear(1);
    expect(await relay.readCounters()).toEqual({ forwarded: 1, congested: 0, gone: 0, malformed: 10 });
    expect(a.closeCode).toBeUndefined();
  });

  it("closes a socket that sends a frame over the cap, and carries one at the cap", async () => {
    const { a, b } = await pair();
    const atCap = sendFrame(b.key, packet(1, 65_000), packet(2, FRAME_CAP_BYTES - 33 - 65_000 - 4));
    expect(atCap.length).toBe(FRAME_CAP_BYTES);
    a.socket.send(atCap);
    await b.hear(1);
    a.socket.send(new Uint8Array(FRAME_CAP_BYTES + 1).fill(1));
    await a.until(() => a.closeCode !== undefined);
    expect(a.closeCode).toBe(1009);
  });
});

describe("a receiver that credits nothing", () => {
  const capBytes = 1_048_576;
  const big = packet(1, 16_382);

  it("gets no more than the cap, while the control lane still passes, and more after it credits", async () => {
    const { a, b, relay } = await pair();
    for (let i = 0; i < 84; i++) a.send(b.key, big);
    const initiation = packet(2, CONTROL_LANE_BYTES - 2);
    a.send(b.key, initiation);
    await b.hear(65);
    expect(b.packets.at(-1)).toEqual(initiation);
    await untilCounted(relay, { congested: 20 });
    expect(await relay.readCounters()).toMatchObject({ forwarded: capBytes / 16_384 + 1 });

    b.socket.send(writeCredit(4 * 16_384));
    b.socket.send(writePing(new Uint8Array(8)));
    await b.hear(66);
    for (let i = 0; i < 10; i++) a.send(b.key, big);
    await b.hear(69);
    await untilCounted(relay, { congested: 20 + 7 });
    expect(b.frames).toHaveLength(69);
  });

  // The moment is 50 ms of real time, which a busy machine may miss.
  it("still gets a little over the cap, in order, when its credit comes in time", { retry: 3 }, async () => {
    const { a, b, relay } = await pair();
    for (let i = 0; i < 74; i++) a.send(b.key, packet(i, 16_382));
    await b.hear(64);
    b.socket.send(writeCredit(10 * 16_384));
    await b.hear(74);
    expect(b.packets.map((each) => each[0])).toEqual(Array.from({ length: 74 }, (_, i) => i));
    expect(await relay.readCounters()).toMatchObject({ congested: 0 });
  });

  it("does not hold up others", async () => {
    const { orgTag, a, b } = await pair();
    const c = await RelayClient.open(orgTag, keyOf(3));
    for (let i = 0; i < 80; i++) a.send(b.key, big);
    a.send(c.key, packet(4));
    await c.hear(1);
  });
});

describe("a relay that wakes from hibernation", () => {
  it("still knows its sockets and forwards between them", async () => {
    const { a, b, relay } = await pair();
    a.send(b.key, packet(1));
    await b.hear(1);
    await evictDurableObject(relay, { webSockets: "hibernate" });
    a.send(b.key, packet(2));
    await b.hear(2);
    expect(b.packets).toEqual([packet(1), packet(2)]);
    expect(await relay.readCounters()).toMatchObject({ forwarded: 1 });
  });

  it("remembers that a receiver was slow", async () => {
    const { a, b, relay } = await pair();
    for (let i = 0; i < 64; i++) a.send(b.key, packet(1, 16_382));
    await b.hear(64);
    await evictDurableObject(relay, { webSockets: "hibernate" });
    for (let i = 0; i < 64; i++) a.send(b.key, packet(1, 16_382));
    a.socket.send(writePing(new Uint8Array(8)));
    await untilCounted(relay, { forwarded: 32, congested: 32 });
  });

  it("tells a sender that a peer has left meanwhile", async () => {
    const { a, b, relay } = await pair();
    b.socket.close(1000);
    await evictDurableObject(relay, { webSockets: "hibernate" });
    a.send(b.key, packet(2));
    expect(await a.hear(1)).toMatchObject([{ type: "peerGone", peer: b.key }]);
  });
});
