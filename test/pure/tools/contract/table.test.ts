import { expect, test } from "vitest";
import { missingItems, proofsOf, writeContract } from "../../../../tools/contract/table.ts";

const tests = [
  { file: "a.test.ts", title: "POST /api/x › refuses with INVALID_INPUT when the name | is odd" },
  { file: "b.test.ts", title: "POST /api/x › rename works" },
  { file: "b.test.ts", title: "POST /api/x-y › unrename, prerename and INVALID_INPUTS" },
];
const item = (...words: string[]) => ({ name: words.join(" "), words });

test("an item is proved by the tests whose titles hold all its words, as whole words", () => {
  expect(proofsOf(item("/api/x"), tests)).toEqual([tests[1], tests[0]]);
  expect(proofsOf(item("/api/x", "rename"), tests)).toEqual([tests[1]]);
  expect(proofsOf(item("INVALID_INPUT"), tests)).toEqual([tests[0]]);
});

test("a test with rows proves what is among them", () => {
  const rows = [{ file: "c.test.ts", title: "/api/db/%s › is read" }];
  expect(proofsOf({ ...item("/api/db/machines"), amongRows: ["/api/db/%s"] }, rows)).toEqual(rows);
});

test("an item without a test is missing, and the table says so", () => {
  const chapters = [{ title: "Codes", items: [item("INVALID_INPUT"), item("KEY_USED")] }];
  expect(missingItems(chapters, tests)).toEqual(["KEY_USED"]);
  expect(writeContract(chapters, tests)).toContain(`## Codes

| | proved by |
|---|---|
| \`INVALID_INPUT\` | POST /api/x › refuses with INVALID_INPUT when the name \\| is odd (\`a.test.ts\`) |
| \`KEY_USED\` | **missing** |
`);
});
