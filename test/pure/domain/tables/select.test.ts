import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readSelection, selectRows } from "#domain/tables/select.ts";

const rows = [
  { id: "b", count: 10, revoked: false, tags: null },
  { id: "a", count: 9, revoked: true, tags: null },
  { id: "c", count: 100, revoked: false, tags: "x" },
];
const columns = ["id", "count", "revoked", "tags"];
const select = (query: Record<string, string>) => selectRows(rows, readSelection(query, columns));
const ids = (query: Record<string, string>) => select(query).map(({ id }) => id);

describe("a query of the table API", () => {
  it("filters by text, number, truth and null", () => {
    expect(ids({ id: "eq.a" })).toEqual(["a"]);
    expect(ids({ count: "eq.100" })).toEqual(["c"]);
    expect(ids({ revoked: "eq.false", tags: "eq.null" })).toEqual(["b"]);
  });

  it("orders numbers as numbers, either way", () => {
    expect(ids({ order: "count" })).toEqual(["a", "b", "c"]);
    expect(ids({ order: "count.asc" })).toEqual(["a", "b", "c"]);
    expect(ids({ order: "count.desc" })).toEqual(["c", "b", "a"]);
    expect(ids({ order: "id", ascending: "false" })).toEqual(["c", "b", "a"]);
  });

  it("picks columns and limits after ordering", () => {
    expect(select({ select: "id, count", order: "id", limit: "1" })).toEqual([{
      id: "a",
      count: 9,
    }]);
  });

  it("shows a page from range_from up to and without range_to, of 20 rows when it does not say how many, of 100 at most", () => {
    const many = Array.from({ length: 300 }, (_, i) => ({ id: i }));
    const page = (query: Record<string, string>) => {
      const shown = selectRows(many, readSelection(query, ["id"])).map(({ id }) => Number(id));
      return [shown[0], shown.length];
    };
    expect(page({})).toEqual([0, 300]);
    expect(page({ range_from: "10", range_to: "13" })).toEqual([10, 3]);
    expect(page({ range_from: "295" })).toEqual([295, 5]);
    expect(page({ range_from: "10" })).toEqual([10, 20]);
    expect(page({ range_to: "250" })).toEqual([0, 100]);
    expect(page({ range_from: "10", limit: "5" })).toEqual([10, 5]);
    expect(page({ range_from: "10", range_to: "20", limit: "50" })).toEqual([10, 10]);
    expect(page({ limit: "1000" })).toEqual([0, 100]);
    expect(page({ range_from: "9", range_to: "3" })).toEqual([undefined, 0]);
  });

  it.each([{ limit: "-1" }, { range_from: "x" }, { range_to: "1.5" }, { limit: "" }])(
    "refuses the page %j",
    (query) => {
      expect(() => select(query)).toThrow(/^(limit|range_from|range_to) must be a whole number$/);
    },
  );

  it("leaves the rows it is given in their order", () => {
    select({ order: "id" });
    expect(rows.map(({ id }) => id)).toEqual(["b", "a", "c"]);
  });

  it("answers with rows or one known refusal, whatever it says", () => {
    const name = fc.constantFrom(
      "id",
      "count",
      "order",
      "select",
      "limit",
      "range_from",
      "ascending",
      "__proto__",
      "constructor",
      "",
    );
    fc.assert(
      fc.property(fc.dictionary(name, fc.oneof(fc.string(), fc.constantFrom("eq.a", "id.desc", "1"))), (query) => {
        try {
          expect(select(query).length).toBeLessThanOrEqual(rows.length);
        } catch (error) {
          expect(error).toMatchObject({ code: "INVALID_INPUT" });
        }
      }),
    );
  });
});
