import { expect, test } from "vitest";
import { nextInMenu } from "../../../dashboard/ui/menu-keys.ts";

const items = ["System", "Light", "Dark", "Sign out"];

test.each([
  ["ArrowDown", 0, 1],
  ["ArrowDown", 3, 0],
  ["ArrowUp", 0, 3],
  ["Home", 2, 0],
  ["End", 0, 3],
  ["s", 0, 3],
  ["S", 3, 0],
  ["d", 0, 2],
])("%s at item %i leads to item %i", (key, at, next) => {
  expect(nextInMenu(items, at, key)).toBe(next);
});

test("other keys and an empty menu lead nowhere", () => {
  expect(nextInMenu(items, 0, "x")).toBeUndefined();
  expect(nextInMenu(items, 0, "Shift")).toBeUndefined();
  expect(nextInMenu([], 0, "End")).toBeUndefined();
});
