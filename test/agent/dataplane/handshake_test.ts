import assert from "node:assert/strict";
import { hostPair, packetBetween, SimulatedNetwork, tagOf } from "./support/simulated-network.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;

Deno.test("a first packet waits for the handshake over UDP and then arrives, both ways", () => {
  const network = new SimulatedNetwork();
  const [a, b] = hostPair(network);
  a.send(packetBetween(1, 2));
  network.run(SECOND);
  b.send(packetBetween(2, 1, 1280));
  network.run(SECOND);
  assert.deepEqual(b.received, [packetBetween(1, 2)]);
  assert.deepEqual(a.received, [packetBetween(2, 1, 1280)]);
});

Deno.test("peers that meet over the relay move to a direct path within a few seconds", () => {
  const network = new SimulatedNetwork();
  const [a, b] = hostPair(network, { relay: true });
  a.send(packetBetween(1, 2));
  network.run(20 * SECOND);
  assert.equal(b.received.length, 1);
  assert.deepEqual([a.path, b.path], ["udp", "udp"]);
});

Deno.test("peers without UDP between them stay on the relay and lose nothing", () => {
  const network = new SimulatedNetwork();
  network.weather = { loss: 1, duplication: 0, delayMs: [1, 1] };
  const [a, b] = hostPair(network, { relay: true });
  for (let second = 0; second < 30; second++) {
    a.send(packetBetween(1, 2));
    b.send(packetBetween(2, 1));
    network.run(SECOND);
  }
  assert.deepEqual([a.received.length, b.received.length, a.path, b.path], [30, 30, "relay", "relay"]);
});

Deno.test("without a relay of its own an agent goes to its peers' addresses at once", () => {
  const network = new SimulatedNetwork();
  const [a, b] = hostPair(network, { relay: true });
  network.relayWeather = { loss: 1, duplication: 0, delayMs: [1, 1] };
  a.device.setRelay(false);
  a.send(packetBetween(1, 2));
  network.run(100);
  assert.deepEqual([b.received.length, a.path, b.path], [1, "udp", "udp"]);
});

Deno.test("a peer that the relay does not know is found at its address with the third attempt", () => {
  const network = new SimulatedNetwork();
  const [a, b] = hostPair(network, { relay: true });
  network.relayWeather = { loss: 1, duplication: 0, delayMs: [1, 1] };
  a.send(packetBetween(1, 2));
  network.run(11 * SECOND);
  assert.deepEqual([b.received.length, a.path, b.path], [1, "udp", "udp"]);
});

Deno.test("a session is renewed every two minutes and no packet is lost for it", () => {
  const network = new SimulatedNetwork();
  const [a, b] = hostPair(network);
  for (let second = 0; second < 600; second++) {
    a.send(packetBetween(1, 2, 60, second));
    network.run(SECOND / 2);
    b.send(packetBetween(2, 1, 60, second));
    network.run(SECOND / 2);
  }
  assert.deepEqual(b.received.map(tagOf), [...Array(600).keys()]);
  assert.deepEqual(a.received.map(tagOf), [...Array(600).keys()]);
  assert.equal(network.seen.filter((bytes) => bytes[0] === 1).length, 5);
});

Deno.test("handshakes that cross leave a session in use, and its renewal loses nothing either", () => {
  const network = new SimulatedNetwork();
  const [a, b] = hostPair(network);
  for (let second = 0; second < 400; second++) {
    a.send(packetBetween(1, 2, 60, second));
    b.send(packetBetween(2, 1, 60, second));
    network.run(SECOND);
  }
  assert.deepEqual(b.received.map(tagOf), [...Array(400).keys()]);
  assert.deepEqual(a.received.map(tagOf), [...Array(400).keys()]);
  const initiations = network.seen.filter((bytes) => bytes[0] === 1).length;
  assert.ok(initiations >= 4 && initiations <= 8, `${initiations} initiations`);
  assert.deepEqual([a.counted(), b.counted()], [{}, {}]);
});

Deno.test("an idle peer sends nothing, and a keepalive only as an answer", () => {
  const network = new SimulatedNetwork();
  const [a] = hostPair(network);
  a.send(packetBetween(1, 2));
  network.run(MINUTE);
  const types = network.seen.map((bytes) => `${bytes[0]}:${bytes.length}`);
  // Handshake, the packet, and the answer of one that has nothing to say (whitepaper 6.5).
  assert.deepEqual(types, ["1:148", "2:92", "4:96", "4:32"]);
  network.run(60 * MINUTE);
  assert.equal(network.seen.length, 4);
});

Deno.test("a persistent keepalive goes out at its time, before anything was sent", () => {
  const network = new SimulatedNetwork();
  const [a, b] = [network.addHost(), network.addHost()];
  b.meet([a]);
  a.meet([b], { persistentKeepaliveS: 25 });
  network.run(10 * MINUTE);
  const keepalives = network.seen.filter((bytes) => bytes[0] === 4).length;
  assert.ok(keepalives >= 22 && keepalives <= 26, `${keepalives} keepalives`);
});

Deno.test("who does not answer is tried for a minute and a half, then again with the next packet", () => {
  const network = new SimulatedNetwork();
  const [a, b] = hostPair(network);
  network.weather = { loss: 1, duplication: 0, delayMs: [1, 1] };
  a.send(packetBetween(1, 2));
  network.run(10 * MINUTE);
  assert.equal(network.seen.length, 18);
  assert.deepEqual(a.events.filter((type) => type === "peer.unreachable").length, 1);
  network.weather = { loss: 0, duplication: 0, delayMs: [1, 1] };
  a.send(packetBetween(1, 2, 60, 7));
  network.run(SECOND);
  assert.equal(tagOf(b.received.at(-1)!), 7);
});

Deno.test("data that nobody answers makes one handshake every fifteen seconds, and no storm of them", () => {
  const network = new SimulatedNetwork();
  const [a, b] = hostPair(network);
  a.send(packetBetween(1, 2));
  network.run(SECOND);
  // Only handshakes get through from now on.
  const deliver = a.receiveDatagram.bind(a);
  a.receiveDatagram = (bytes, source) => bytes[0] === 4 ? undefined : deliver(bytes, source);
  const before = network.seen.length;
  for (let second = 0; second < 120; second++) {
    a.send(packetBetween(1, 2));
    network.run(SECOND);
  }
  const initiations = network.seen.slice(before).filter((bytes) => bytes[0] === 1).length;
  assert.ok(initiations >= 6 && initiations <= 9, `${initiations} initiations`);
  assert.equal(b.received.length, 121);
});

Deno.test("a peer that lost its session is noticed and met again", () => {
  const network = new SimulatedNetwork();
  const [a, b] = hostPair(network);
  a.send(packetBetween(1, 2));
  network.run(SECOND);
  b.meet([]);
  b.meet([a]);
  const sentAt = network.now;
  while (b.received.length < 2 && network.now < sentAt + MINUTE) {
    a.send(packetBetween(1, 2));
    network.run(SECOND);
  }
  assert.ok(network.now - sentAt <= 20 * SECOND, `${(network.now - sentAt) / SECOND} s`);
});

Deno.test("a pre-shared key that is changed at both ends is used from the next handshake on", () => {
  const network = new SimulatedNetwork();
  const [a, b] = hostPair(network, { presharedKey: new Uint8Array(32).fill(1) });
  for (let second = 0; second < 300; second++) {
    if (second === 60) a.meet([b], { presharedKey: new Uint8Array(32).fill(2) });
    if (second === 61) b.meet([a], { presharedKey: new Uint8Array(32).fill(2) });
    a.send(packetBetween(1, 2, 60, second));
    network.run(SECOND);
  }
  assert.deepEqual(b.received.map(tagOf), [...Array(300).keys()]);
  // Changed at one end only: the next handshake fails, and the old session ends with its time.
  a.meet([b], { presharedKey: new Uint8Array(32).fill(3) });
  const before = b.received.length;
  for (let second = 0; second < 300; second++) {
    a.send(packetBetween(1, 2));
    network.run(SECOND);
  }
  assert.ok(b.received.length - before < 180, `${b.received.length - before} arrived`);
  assert.ok(a.counted()["handshake.forged"]! > 0);
});

Deno.test("a peer that moves to another address or port is followed with its next packet", () => {
  const network = new SimulatedNetwork();
  const [a, b] = hostPair(network);
  a.send(packetBetween(1, 2));
  network.run(SECOND);
  a.endpoint = { ...a.endpoint, port: 50_000 };
  a.send(packetBetween(1, 2));
  network.run(SECOND);
  b.send(packetBetween(2, 1, 60, 1));
  network.run(SECOND);
  a.endpoint = { address: a.endpoint.address.with(15, 99), port: 50_001 };
  a.send(packetBetween(1, 2));
  network.run(SECOND);
  b.send(packetBetween(2, 1, 60, 2));
  network.run(SECOND);
  assert.deepEqual(a.received.map(tagOf), [1, 2]);
});
