import assert from "node:assert/strict";
import fc from "fast-check";
import { ReplayWindow } from "../../../agent/dataplane/wireguard/replay-window.ts";
import { runs } from "../support/fuzz.ts";

const WINDOW = 8192;

/** The slow, obvious twin: every counter ever seen. */
class CounterSet {
  readonly #seen = new Set<number>();
  #highest = -1;

  accepts(counter: number): boolean {
    return counter > this.#highest - WINDOW && !this.#seen.has(counter);
  }

  mark(counter: number): void {
    this.#seen.add(counter);
    this.#highest = Math.max(this.#highest, counter);
  }
}

const bases = fc.constantFrom(0, 2 ** 32 - WINDOW, 2 ** 52, 2 ** 53 - 3 * WINDOW);
const steps = fc.array(
  fc.oneof(
    fc.integer({ min: 0, max: 40 }),
    fc.integer({ min: WINDOW - 3, max: WINDOW + 3 }),
    fc.integer({ min: 0, max: 2 * WINDOW }),
  ),
  { maxLength: 200 },
);

Deno.test("the window takes each counter once and none that is too old, up to 2^53", () => {
  fc.assert(
    fc.property(bases, steps, (base, counters) => {
      const [window, set] = [new ReplayWindow(), new CounterSet()];
      for (const step of counters) {
        const counter = base + step;
        const expected = set.accepts(counter);
        assert.equal(window.accepts(counter), expected, `counter ${counter}`);
        if (!expected) continue;
        window.mark(counter);
        set.mark(counter);
      }
    }),
    runs(100),
  );
});

Deno.test("a jump far ahead forgets what was seen and keeps what was not", () => {
  const window = new ReplayWindow();
  for (let counter = 0; counter < WINDOW; counter++) window.mark(counter);
  window.mark(WINDOW + 100);
  assert.equal(window.accepts(100), false);
  assert.equal(window.accepts(WINDOW + 99), true);
  window.mark(2 ** 40);
  assert.equal(window.accepts(2 ** 40 - WINDOW + 1), true);
  assert.equal(window.accepts(2 ** 40), false);
});
