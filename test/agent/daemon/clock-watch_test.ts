import assert from "node:assert/strict";
import { clockJump } from "../../../agent/daemon/clock-watch.ts";

const at = (wall: number, monotonic: number) => ({ wall, monotonic });

Deno.test("clocks that go together do not jump", () => {
  assert.equal(clockJump(at(0, 0), at(5_000, 5_000)), undefined);
  assert.equal(clockJump(at(0, 0), at(25_000, 5_000)), undefined);
});

Deno.test("a sleep, a set clock and a stopped process are jumps", () => {
  assert.equal(clockJump(at(0, 0), at(605_000, 5_000)), 600_000);
  assert.equal(clockJump(at(0, 0), at(-95_000, 5_000)), -100_000);
  assert.equal(clockJump(at(0, 0), at(105_000, 105_000)), 100_000);
});
