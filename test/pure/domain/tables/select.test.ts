import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { selectRows } from "#domain/tables/select.ts";

const rows = [
  { id: "b", count: 10, revoked: false, tags: null },
  { id: "a", count: 9, revoked: true, tags: null },
  { id: "c", count: 100, revoked: false, tags: "x" },
];
const columns = ["id", "count", "revoked", "tags"];
const ids = (query: Record<string, string>) => selectRows(rows, columns, query).map(({ id }) => id);

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
    expect(selectRows(rows, columns, { select: "id, count", order: "id", limit: "1" })).toEqual([{
      id: "a",
      count: 9,
    }]);
  });

  it("leaves the rows it is given in their order", () => {
    selectRows(rows, columns, { order: "id" });
    expect(rows.map(({ id }) => id)).toEqual(["b", "a", "c"]);
  });

  it("answers with rows or one known refusal, whatever it says", () => {
    const name = fc.constantFrom(
      "id",
      "count",
      "order",
      "select",
      "limit",
      "ascending",
      "__proto__",
      "constructor",
      "",
    );
    fc.assert(
      fc.property(fc.dictionary(name, fc.oneof(fc.string(), fc.constantFrom("eq.a", "id.desc", "1"))), (query) => {
        try {
          expect(selectRows(rows, columns, query).length).toBeLessThanOrEqual(rows.length);
        } catch (error) {
          expect(error).toMatchObject({ code: "INVALID_INPUT" });
        }
      }),
    );
  });
});
