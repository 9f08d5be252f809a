import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { selectX25519 } from "../../../agent/crypto/select-x25519.ts";
import type { DropReason, Endpoint } from "../../../agent/dataplane/link.ts";
import {
  createIdentity,
  createInitiation,
  createRemote,
  tai64n,
} from "../../../agent/dataplane/wireguard/handshake.ts";
import { runs } from "../support/fuzz.ts";
import {
  CALM,
  endpointOf,
  hostPair,
  packetBetween,
  type SimulatedHost,
  SimulatedNetwork,
  tagOf,
} from "./support/simulated-network.ts";

const x25519 = selectX25519(() => performance.now());
const ATTACKER = endpointOf(66, 66);

/** Two hosts with a session, what a sent to b so far, and what went back to the attacker. */
function scene() {
  const network = new SimulatedNetwork();
  const [a, b] = hostPair(network);
  const attacker = network.addHost();
  attacker.endpoint = ATTACKER;
  const answers: Uint8Array[] = [];
  attacker.receiveDatagram = (bytes) => void answers.push(bytes);
  a.send(packetBetween(1, 2, 60, 1));
  network.run(1000);
  assert.equal(b.received.length, 1);
  const [initiation, response, transport] = network.seen as [Uint8Array, Uint8Array, Uint8Array];
  return { network, a, b, answers, initiation, response, transport };
}

function counts(host: SimulatedHost, reason: DropReason, act: () => void): void {
  const before = host.counted();
  act();
  const expected = { ...before, [reason]: (before[reason] ?? 0) + 1 };
  assert.deepEqual(host.counted(), expected);
}

/** A first message that anybody who knows the host's public key can make. */
function strangersInitiation(to: SimulatedHost): Uint8Array {
  const self = createIdentity(x25519, new Uint8Array(randomBytes(32)));
  const remote = createRemote(self, to.device.publicKey)!;
  const input = { localIndex: 1, ephemeral: new Uint8Array(randomBytes(32)), timestamp: tai64n(Date.now()) };
  return createInitiation(self, remote, input).bytes;
}

function changed(message: Uint8Array, at: number): Uint8Array {
  return message.with(at, message[at]! ^ 1) as Uint8Array;
}

Deno.test("each kind of bad packet is dropped under its own name and answered with nothing", () => {
  const { b, answers, initiation, response, transport } = scene();
  const receive = (bytes: Uint8Array) => () => b.receiveDatagram(bytes, ATTACKER);
  counts(b, "udp.malformed", receive(new Uint8Array(0)));
  counts(b, "udp.malformed", receive(transport.slice(0, 31)));
  counts(b, "udp.malformed", receive(changed(transport, 1)));
  counts(b, "udp.malformed", receive(initiation.slice(0, 147)));
  counts(b, "udp.malformed", receive(new Uint8Array([...initiation, 0])));
  counts(b, "udp.unknown_index", receive(changed(transport, 4)));
  counts(b, "udp.replayed", receive(transport));
  counts(b, "udp.forged", receive(changed(changed(transport, 8), 9)));
  counts(b, "udp.forged", receive(changed(transport.with(8, 77) as Uint8Array, transport.length - 1)));
  counts(b, "udp.forged", receive(transport.with(8, 77).slice(0, 40)));
  counts(b, "udp.forged", receive(new Uint8Array([...transport.with(8, 78), ...new Uint8Array(16)])));
  counts(
    b,
    "udp.expired",
    receive(new Uint8Array([...transport.slice(0, 8), ...Array(8).fill(0xff), ...transport.slice(16)])),
  );
  counts(b, "handshake.mac1", receive(changed(initiation, 20)));
  counts(b, "handshake.mac1", receive(changed(initiation, 120)));
  counts(b, "handshake.replayed", receive(initiation));
  counts(b, "handshake.unknown_peer", receive(strangersInitiation(b)));
  counts(b, "handshake.mac1", receive(response));
  counts(b, "handshake.unknown_index", receive(new Uint8Array([3, 0, 0, 0, ...randomBytes(60)])));
  assert.deepEqual(answers, []);
  assert.equal(b.received.length, 1);
});

Deno.test("a response that comes late, twice or changed changes nothing", () => {
  const network = new SimulatedNetwork();
  const [a, b] = hostPair(network);
  network.weather = { loss: 0, duplication: 1, delayMs: [1, 1] };
  a.send(packetBetween(1, 2, 60, 5));
  network.run(1000);
  assert.deepEqual(b.received.map(tagOf), [5]);
  assert.equal(a.counted()["handshake.unknown_index"], 1);
  assert.deepEqual(b.counted(), { "handshake.replayed": 1, "udp.replayed": b.counted()["udp.replayed"] });
});

Deno.test("a peer's own packets under another's address, too short or with a lying length go nowhere", () => {
  const { network, a, b } = scene();
  const send = (packet: Uint8Array) => () => {
    a.send(packet);
    network.run(10);
  };
  counts(b, "udp.source_not_allowed", send(packetBetween(9, 2)));
  counts(a, "tun.no_route", send(packetBetween(1, 9)));
  counts(a, "tun.malformed", send(packetBetween(1, 2).with(0, 0x25)));
  counts(a, "tun.malformed", send(packetBetween(1, 2).slice(0, 19)));
  counts(b, "udp.malformed_inner", send(packetBetween(1, 2).with(2, 0xff)));
  counts(b, "udp.malformed_inner", send(packetBetween(1, 2).with(0, 0x41)));
  assert.equal(b.received.length, 1);
});

Deno.test("nobody carries another's initiation over the relay", () => {
  const network = new SimulatedNetwork();
  const [a, b] = hostPair(network);
  network.weather = { loss: 1, duplication: 0, delayMs: [1, 1] };
  a.send(packetBetween(1, 2));
  const initiation = network.seen[0]!;
  counts(b, "handshake.forged", () => b.receiveRelayed(initiation, new Uint8Array(randomBytes(32))));
  network.weather = CALM;
  b.receiveRelayed(initiation, a.device.publicKey);
  assert.equal(b.counted()["handshake.forged"], 1);
});

Deno.test("under load a stranger gets a cookie no longer than its message, and a peer gets in with one", () => {
  const { network, a, b, answers } = scene();
  for (let count = 0; count < 400; count++) b.receiveDatagram(strangersInitiation(b), ATTACKER);
  network.run(20);
  assert.ok(answers.length >= 100 && answers.every((bytes) => bytes[0] === 3 && bytes.length === 64));
  assert.equal(b.counted()["handshake.under_load"], answers.length);
  // The peer comes back with its cookie by its retry timer, while the flood goes on.
  a.meet([]);
  a.meet([b]);
  a.send(packetBetween(1, 2, 60, 42));
  for (let second = 0; second < 8; second++) {
    for (let count = 0; count < 300; count++) b.receiveDatagram(strangersInitiation(b), ATTACKER);
    network.run(1000);
  }
  assert.equal(tagOf(b.received.at(-1)!), 42);
  assert.ok(network.seen.some((bytes) => bytes[0] === 1 && bytes.slice(132).some((byte) => byte !== 0)));
  // Load is over a second later: no cookie is asked for.
  network.run(5000);
  const before = answers.length;
  b.receiveDatagram(strangersInitiation(b), ATTACKER);
  network.run(20);
  assert.equal(answers.length, before);
});

Deno.test("a flood gets 500 cookies a second at most, and a peer still renews its session", () => {
  const { network, a, b, answers } = scene();
  const strangers = Array.from({ length: 100 }, () => strangersInitiation(b));
  const flood = (count: number) => {
    for (let at = 0; at < count; at++) b.receiveDatagram(strangers[at % strangers.length]!, ATTACKER);
  };
  a.meet([]);
  a.meet([b]);
  network.run(1_000);
  flood(3_000);
  a.send(packetBetween(1, 2, 60, 43));
  network.run(1_000);
  for (let second = 0; second < 8; second++) {
    const before = answers.length;
    flood(3_000);
    network.run(1_000);
    assert.ok(answers.length - before <= 500);
  }
  assert.equal(tagOf(b.received.at(-1)!), 43);
});

Deno.test("a cookie is good for one address, and for two minutes", () => {
  const { network, a, b } = scene();
  const flood = () => {
    for (let count = 0; count < 400; count++) b.receiveDatagram(strangersInitiation(b), ATTACKER);
  };
  a.meet([]);
  a.meet([b]);
  flood();
  a.send(packetBetween(1, 2));
  network.run(20);
  // The answer to the first one was a cookie; the second one carries it.
  flood();
  network.run(5_500);
  const withCookie = network.seen.findLast((bytes) => bytes[0] === 1)!;
  const accepted = (bytes: Uint8Array, from: Endpoint) => {
    flood();
    const before = b.counted()["handshake.under_load"];
    b.receiveDatagram(bytes, from);
    return b.counted()["handshake.under_load"] === before;
  };
  assert.equal(accepted(withCookie, a.endpoint), true);
  assert.equal(accepted(withCookie, ATTACKER), false);
  assert.equal(accepted(withCookie, { ...a.endpoint, port: 1 }), false);
  network.run(121_000);
  assert.equal(accepted(withCookie, a.endpoint), false);
});

const damage = fc.record({
  message: fc.constantFrom("initiation" as const, "response" as const, "transport" as const),
  changes: fc.array(fc.tuple(fc.nat(200), fc.integer({ min: 0, max: 255 })), { maxLength: 4 }),
  length: fc.option(fc.nat(200)),
});

Deno.test("no damage to any message makes either end throw, answer or deliver", () => {
  const { network, a, b, answers, ...messages } = scene();
  fc.assert(
    fc.property(damage, ({ message, changes, length }) => {
      const bytes = new Uint8Array(length ?? messages[message].length);
      bytes.set(messages[message].subarray(0, bytes.length));
      for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
      for (const host of [a, b]) host.receiveDatagram(bytes, ATTACKER);
      network.run(1);
      assert.ok(answers.every((answer) => answer.length < bytes.length), "an answer bigger than the message");
      assert.equal(b.received.length, 1);
    }),
    runs(2000),
  );
});

Deno.test("no bytes at all make either end throw or answer with more", () => {
  const { network, a, b, answers } = scene();
  const start = fc.constantFrom([1, 0, 0, 0], [2, 0, 0, 0], [3, 0, 0, 0], [4, 0, 0, 0]);
  const sizes = fc.oneof(fc.constantFrom(148 - 4, 92 - 4, 64 - 4, 32 - 4), fc.nat(1500));
  const bodies = sizes.chain((size) => fc.uint8Array({ minLength: size, maxLength: size }));
  fc.assert(
    fc.property(start, bodies, (head, body) => {
      const bytes = new Uint8Array([...head, ...body]);
      for (const host of [a, b]) {
        host.receiveDatagram(bytes, ATTACKER);
        host.receiveRelayed(bytes, a.device.publicKey);
      }
      network.run(1);
      assert.deepEqual(answers, []);
      assert.equal(b.received.length, 1);
    }),
    runs(1000),
  );
});
