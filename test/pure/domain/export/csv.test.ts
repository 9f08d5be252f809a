import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { csvOf } from "#domain/export/csv.ts";

const cell = (value: unknown) => csvOf(["head"], [[value]]).split("\n").slice(1).join("\n").slice(0, -1);

describe("a CSV cell", () => {
  it.each(["=", "+", "-", "@", "\t"])("that begins with %j gets a leading apostrophe", (first) => {
    expect(cell(`${first}SUM(A1)`)).toBe(`'${first}SUM(A1)`);
  });

  it("that begins with CR gets one too, inside its quotes", () => {
    expect(cell("\rx")).toBe(`"'\rx"`);
    expect(cell(`=HYPERLINK("x","y")`)).toBe(`"'=HYPERLINK(""x"",""y"")"`);
  });

  it("with comma, quote or line end is quoted; others stand as they are", () => {
    expect(["a,b", 'a"b', "a\nb", "a-b", "", null, true, 7, { a: 1 }].map(cell)).toEqual([
      '"a,b"',
      '"a""b"',
      '"a\nb"',
      "a-b",
      "",
      "",
      "true",
      "7",
      `"{""a"":1}"`,
    ]);
  });

  it("never begins with what a spreadsheet runs, and reads back as what it was", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const shown = cell(text);
        const inner = shown.startsWith('"') ? shown.slice(1, -1).replaceAll('""', '"') : shown;
        expect(inner).not.toMatch(/^[=+\-@\t\r]/);
        expect([text, `'${text}`]).toContain(inner);
      }),
    );
  });
});
