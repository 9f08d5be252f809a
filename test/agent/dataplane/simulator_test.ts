import assert from "node:assert/strict";
import fc from "fast-check";
import { runs } from "../support/fuzz.ts";
import { CALM, hostPair, packetBetween, SimulatedNetwork, tagOf } from "./support/simulated-network.ts";

const STEP_MS = 500;

/** Numbers from 0 to 1 that depend on the seed alone (mulberry32). */
function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const storms = fc.record({
  seed: fc.integer(),
  loss: fc.double({ min: 0, max: 0.4, noNaN: true }),
  duplication: fc.double({ min: 0, max: 0.5, noNaN: true }),
  mostDelayMs: fc.integer({ min: 1, max: 2_000 }),
});

Deno.test("whatever is lost, doubled or reordered, no packet arrives twice or changed, and calm brings all back", () => {
  fc.assert(
    fc.property(storms, ({ seed, loss, duplication, mostDelayMs }) => {
      const network = new SimulatedNetwork(seededRandom(seed));
      const [a, b] = hostPair(network);
      network.weather = { loss, duplication, delayMs: [1, mostDelayMs] };
      let tag = 0;
      const talk = (steps: number) => {
        for (let step = 0; step < steps; step++) {
          a.send(packetBetween(1, 2, 100, ++tag));
          b.send(packetBetween(2, 1, 100, tag));
          network.run(STEP_MS);
        }
      };
      // Five minutes: two renewals and more, whatever the loss.
      talk(600);
      for (const [host, from, to] of [[a, 2, 1], [b, 1, 2]] as const) {
        const tags = host.received.map(tagOf);
        assert.equal(new Set(tags).size, tags.length, "arrived twice");
        for (const packet of host.received) assert.deepEqual(packet, packetBetween(from, to, 100, tagOf(packet)));
        const expected = 600 * (1 - loss) * 0.5;
        assert.ok(tags.length > expected, `${tags.length} of 600 arrived with a loss of ${loss}`);
      }
      network.weather = CALM;
      network.run(20_000);
      const before = [a.received.length, b.received.length];
      talk(60);
      assert.deepEqual([a.received.length - before[0]!, b.received.length - before[1]!], [60, 60]);
    }),
    runs(12),
  );
});
