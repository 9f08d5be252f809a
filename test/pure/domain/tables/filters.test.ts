import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkColumns, filtersOfBody, filtersOfQuery, matchesAll } from "#domain/tables/filters.ts";

const filter = (column: string, value: unknown) => ({ column, value });

describe("filters of the table API", () => {
  it("come from the query as text, and from _filters as an object or a list", () => {
    expect(filtersOfQuery({ id: "eq.a", count: "eq.1" })).toEqual([filter("id", "a"), filter("count", "1")]);
    expect(filtersOfBody({ id: "a", revoked: false })).toEqual([filter("id", "a"), filter("revoked", false)]);
    expect(filtersOfBody([{ column: "id", op: "eq", value: "a" }, { column: "os", value: null }]))
      .toEqual([filter("id", "a"), filter("os", null)]);
    expect(filtersOfBody(undefined)).toEqual([]);
  });

  it("match text, numbers, truth and null, all of them or not at all", () => {
    const row = { id: "a", count: 9, revoked: false, os: null };
    expect(matchesAll(row, [filter("id", "a"), filter("count", 9), filter("count", "9")])).toBe(true);
    expect(matchesAll(row, [filter("revoked", "false"), filter("revoked", false), filter("os", null)])).toBe(true);
    expect(matchesAll(row, [filter("id", "a"), filter("count", 10)])).toBe(false);
    expect(matchesAll(row, [])).toBe(true);
  });

  it.each([
    ["a word", "x"],
    ["a value that is no scalar", { id: ["a"] }],
    ["a list of words", ["id"]],
    ["a list without a column", [{ op: "eq", value: "a" }]],
    ["a list without a value", [{ column: "id", op: "eq" }]],
    ["another operator", [{ column: "id", op: "like", value: "a" }]],
  ])("refuse %s with INVALID_INPUT", (_, filters) => {
    expect(() => filtersOfBody(filters)).toThrow(expect.objectContaining({ code: "INVALID_INPUT" }));
  });

  it("refuse columns the table has not", () => {
    expect(() => checkColumns([filter("id", "a"), filter("hash", "a")], ["id"])).toThrow("Unknown column: hash");
    expect(() => checkColumns(filtersOfBody(JSON.parse('{"__proto__":"a"}')), ["id"])).toThrow("__proto__");
  });

  it("are read or refused by one code, whatever a body says", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (body) => {
        try {
          expect(Array.isArray(filtersOfBody(body))).toBe(true);
        } catch (error) {
          expect(error).toMatchObject({ code: "INVALID_INPUT" });
        }
      }),
    );
  });
});
