import * as v from "valibot";
import { expect, test } from "vitest";
import { applyRowEvent } from "../../dashboard/row-events.ts";

const schema = v.object({ id: v.string(), name: v.string(), used: v.number() });
const rows = [{ id: "a", name: "A", used: 0 }, { id: "b", name: "B", used: 1 }];

test("an insert adds the row, and hearing it twice changes nothing more", () => {
  const event = { event: "INSERT", payload: { id: "c", name: "C", used: 0 } } as const;
  const once = applyRowEvent(rows, event, schema)!;
  expect(once).toHaveLength(3);
  expect(applyRowEvent(once, event, schema)).toEqual(once);
});

test("an update that tells only what changed keeps the rest of the row in its place", () => {
  const next = applyRowEvent(rows, { event: "UPDATE", payload: { id: "a", used: 7 } }, schema);
  expect(next).toEqual([{ id: "a", name: "A", used: 7 }, rows[1]]);
});

test("a delete needs no more than the id", () => {
  expect(applyRowEvent(rows, { event: "DELETE", payload: { id: "a" } }, schema)).toEqual([rows[1]]);
});

test("an update of an unknown row that tells too little asks for a fresh read", () => {
  expect(applyRowEvent(rows, { event: "UPDATE", payload: { id: "z", used: 7 } }, schema)).toBeUndefined();
});

test("a payload that is not of the protocol never reaches the list", () => {
  expect(applyRowEvent(rows, { event: "UPDATE", payload: { id: "a", used: "many" } }, schema)).toBeUndefined();
});
