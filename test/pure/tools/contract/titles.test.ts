import { expect, test } from "vitest";
import { readTitles } from "../../../../tools/contract/titles.ts";

const titlesOf = (source: string) => readTitles("a.test.ts", source).map(({ title }) => title);

test("a test is read with the groups it stands in", () => {
  const source = `
describe("POST /api/x", () => {
  it("works", () => {});
  describe("without a token", () => {
    it('is refused', async () => {});
  });
  it("works again", () => {});
});
test("alone", () => {});
`;
  expect(titlesOf(source)).toEqual([
    "POST /api/x › works",
    "POST /api/x › without a token › is refused",
    "POST /api/x › works again",
    "alone",
  ]);
});

test("a test with rows, a title on the next line and the forms of Deno are read", () => {
  const source = `
it.each(rounds)("once (round %i)", () => {});
it.each([
  ["a"],
])("of several lines", () => {});
Deno.test(
  "on its own line, with a \\"quotation\\"",
  () => {},
);
Deno.test({
  name: "with options",
  fn: () => {},
});
`;
  expect(titlesOf(source)).toEqual([
    "once (round %i)",
    "of several lines",
    `on its own line, with a "quotation"`,
    "with options",
  ]);
});

test("what only looks like a test is none", () => {
  expect(titlesOf(`exit("it");\nconst it = "it";\nrun.test("no");\n`)).toEqual([]);
});
