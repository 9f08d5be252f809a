import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { root } from "../process/environment.ts";
import { chapters } from "./items.ts";
import { readTests } from "./read-tests.ts";
import { missingItems, writeContract } from "./table.ts";

/**
 * `npm run docs:contract`: writes docs/contract.md. `--check` writes nothing and fails when that is not what the tests say;
 * `--strict` fails when something has no test.
 */
const { check, strict } = parseArgs({
  options: { check: { type: "boolean", default: false }, strict: { type: "boolean", default: false } },
}).values;
const path = join(root, "docs/contract.md");
const tests = readTests();
const text = writeContract(chapters, tests);
const missing = missingItems(chapters, tests);

if (!check) writeFileSync(path, text);
else if (readFileSync(path, "utf8") === text) console.log("1 ok, 0 failed: docs/contract.md says what the tests say");
else fail("0 ok, 1 failed: docs/contract.md is stale, run npm run docs:contract");
console.log(`${chapters.flatMap(({ items }) => items).length - missing.length} proved, ${missing.length} missing`);
for (const name of missing) console.log(`  ${name}`);
if (strict && missing.length > 0) fail("not everything has a test");

function fail(message: string): void {
  console.error(message);
  process.exitCode = 1;
}
