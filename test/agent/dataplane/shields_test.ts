import assert from "node:assert/strict";
import fc from "fast-check";
import { createShields, setShields, Shields } from "../../../agent/dataplane/shields.ts";
import { runs } from "../support/fuzz.ts";
import { hostPair, packetBetween, SimulatedNetwork } from "./support/simulated-network.ts";

const [TCP, UDP, ICMP] = [6, 17, 1];
const [SELF, PEER] = [1, 2];

/** An IPv4 packet; for ICMP `ports` are type and identifier. */
function packet(protocol: number, from: number, to: number, ports: readonly [number, number]): Uint8Array {
  const bytes = packetBetween(from, to, 60);
  bytes[9] = protocol;
  const view = new DataView(bytes.buffer);
  if (protocol === ICMP) {
    bytes[20] = ports[0];
    view.setUint16(24, ports[1]);
  } else {
    view.setUint16(20, ports[0]);
    view.setUint16(22, ports[1]);
  }
  return bytes;
}

function raised() {
  const memory = createShields();
  setShields(memory, true);
  // One thread sends, another one receives: they share the memory only.
  const [sender, receiver] = [new Shields(memory), new Shields(memory)];
  return {
    memory,
    note: (bytes: Uint8Array, now = 0) => sender.note(bytes, 0, bytes.length, now),
    admits: (bytes: Uint8Array, now = 0) => receiver.admits(bytes, 0, bytes.length, now),
  };
}

for (const [name, protocol] of [["TCP", TCP], ["UDP", UDP]] as const) {
  Deno.test(`shields let in the answers of a ${name} flow and nothing beside it`, () => {
    const { note, admits } = raised();
    assert.equal(admits(packet(protocol, PEER, SELF, [22, 40_000])), false);
    note(packet(protocol, SELF, PEER, [40_000, 22]));
    assert.equal(admits(packet(protocol, PEER, SELF, [22, 40_000])), true);
    assert.equal(admits(packet(protocol, PEER, SELF, [22, 40_001])), false);
    assert.equal(admits(packet(protocol, PEER, SELF, [23, 40_000])), false);
    assert.equal(admits(packet(protocol, 3, SELF, [22, 40_000])), false);
    assert.equal(admits(packet(protocol === TCP ? UDP : TCP, PEER, SELF, [22, 40_000])), false);
  });
}

Deno.test("shields let in echo replies to own requests, and no requests", () => {
  const { note, admits } = raised();
  note(packet(ICMP, SELF, PEER, [8, 7]));
  assert.equal(admits(packet(ICMP, PEER, SELF, [0, 7])), true);
  assert.equal(admits(packet(ICMP, PEER, SELF, [0, 8])), false);
  assert.equal(admits(packet(ICMP, PEER, SELF, [8, 7])), false);
});

Deno.test("shields let in an ICMP error about an own packet, and about no other", () => {
  const { note, admits } = raised();
  const own = packet(UDP, SELF, PEER, [5_000, 53]);
  const error = (quoted: Uint8Array) => {
    const bytes = packetBetween(PEER, SELF, 28 + 28);
    bytes[9] = ICMP;
    bytes[20] = 3;
    bytes.set(quoted.subarray(0, 28), 28);
    return bytes;
  };
  assert.equal(admits(error(own)), false);
  note(own);
  assert.equal(admits(error(own)), true);
  assert.equal(admits(error(packet(UDP, SELF, PEER, [5_000, 54]))), false);
});

Deno.test("a silent flow ends: TCP after two hours, others after five minutes", () => {
  const { note, admits } = raised();
  note(packet(TCP, SELF, PEER, [1, 2]));
  note(packet(UDP, SELF, PEER, [1, 2]));
  const [tcp, udp] = [packet(TCP, PEER, SELF, [2, 1]), packet(UDP, PEER, SELF, [2, 1])];
  assert.deepEqual([admits(tcp, 299_000), admits(udp, 299_000)], [true, true]);
  assert.deepEqual([admits(tcp, 302_000), admits(udp, 302_000)], [true, false]);
  assert.equal(admits(tcp, 7_442_000), false);
});

Deno.test("with more flows than the table has rows, those used last are still known", () => {
  const { note, admits } = raised();
  for (let port = 1; port <= 20_000; port++) note(packet(UDP, SELF, PEER, [port, 53]), port);
  let known = 0;
  for (let port = 19_501; port <= 20_000; port++) known += Number(admits(packet(UDP, PEER, SELF, [53, port]), 20_000));
  assert.ok(known > 490, `${known} of 500`);
});

Deno.test("shields that are raised again know none of the flows of before", () => {
  const { memory, note, admits } = raised();
  note(packet(TCP, SELF, PEER, [1, 2]));
  setShields(memory, false);
  setShields(memory, true);
  assert.equal(admits(packet(TCP, PEER, SELF, [2, 1])), false);
});

Deno.test("no packet, however cut, makes shields fail or opens them", () => {
  const { note, admits } = raised();
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 20, maxLength: 80 }), (bytes) => {
      if (bytes[0]! >>> 4 === 4) bytes[6] = bytes[7] = 0;
      assert.equal(admits(bytes), false);
    }),
    runs(500),
  );
  fc.assert(fc.property(fc.uint8Array({ minLength: 1, maxLength: 80 }), (bytes) => note(bytes)), runs(500));
});

Deno.test("a data plane with its shields up drops and counts what a peer starts, and keeps its own flows", () => {
  const network = new SimulatedNetwork();
  const [self, other] = hostPair(network);
  setShields(self.shields, true);
  other.send(packet(TCP, 2, 1, [5_000, 22]));
  network.run(1_000);
  assert.deepEqual(self.received, []);
  assert.deepEqual(self.counted(), { "shields.up": 1 });
  self.send(packet(TCP, 1, 2, [40_000, 443]));
  network.run(1_000);
  assert.equal(other.received.length, 1);
  other.send(packet(TCP, 2, 1, [443, 40_000]));
  network.run(1_000);
  assert.equal(self.received.length, 1);
  setShields(self.shields, false);
  other.send(packet(TCP, 2, 1, [5_000, 22]));
  network.run(1_000);
  assert.equal(self.received.length, 2);
});
