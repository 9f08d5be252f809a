import { expect, test } from "vitest";
import { readTally } from "../../../../tools/test/tally.ts";

test("the tally reads what vitest says at its end", () => {
  const output = " Test Files  1 failed | 2 passed (3)\n      Tests  2 failed | 22 passed | 1 skipped (25)\n";
  expect(readTally(output, 1)).toEqual({ passed: 22, failed: 2, leftOut: 1 });
});

test("the tally reads what deno test says at its end", () => {
  expect(readTally("ok | 35 passed (2 steps) | 0 failed | 3 ignored (86ms)\n", 0)).toEqual({
    passed: 35,
    failed: 0,
    leftOut: 3,
  });
});

test("a run that fails without a count is one failed test", () => {
  expect(readTally("error: Module not found\n", 1)).toEqual({ passed: 0, failed: 1, leftOut: 0 });
});

test("numbers in the middle of a run are not counted", () => {
  expect(readTally("    3 failed somewhere\nok | 1 passed | 0 failed (1ms)\n", 0)).toMatchObject({
    passed: 1,
    failed: 0,
  });
});
