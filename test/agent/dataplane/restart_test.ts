import assert from "node:assert/strict";
import { hostPair, packetBetween, SimulatedNetwork, tagOf } from "./support/simulated-network.ts";

function talkingPair() {
  const network = new SimulatedNetwork();
  const [a, b] = hostPair(network);
  a.send(packetBetween(1, 2, 100, 1));
  network.run(5_000);
  return { network, a, b };
}

Deno.test("a host that has started anew is reached at once by who hears of its return", () => {
  const { network, a, b } = talkingPair();
  b.restart([a]);
  a.hearOfReturn(b);
  network.run(100);
  a.send(packetBetween(1, 2, 100, 2));
  network.run(100);
  assert.deepEqual(b.received.map(tagOf), [1, 2]);
});

Deno.test("a return that was none costs no packet: the session serves until the new one does", () => {
  const { network, a, b } = talkingPair();
  for (let tag = 2; tag < 6; tag++) {
    if (tag === 3) a.hearOfReturn(b);
    a.send(packetBetween(1, 2, 100, tag));
    b.send(packetBetween(2, 1, 100, tag));
    network.run(1);
  }
  network.run(100);
  assert.deepEqual(b.received.map(tagOf), [1, 2, 3, 4, 5]);
  assert.deepEqual(a.received.map(tagOf), [2, 3, 4, 5]);
});

Deno.test("a return of somebody without a session is no reason for a handshake", () => {
  const network = new SimulatedNetwork();
  const [a, b] = hostPair(network);
  a.hearOfReturn(b);
  network.run(10_000);
  assert.equal(network.seen.length, 0);
});
