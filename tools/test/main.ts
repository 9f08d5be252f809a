import { parseArgs } from "node:util";
import { run } from "../process/run.ts";
import { type Part, parts } from "./parts.ts";
import { installMissing, obstacle } from "./prepare.ts";
import { readTally, type Tally } from "./tally.ts";

/** `npm test`: every part in order, then one summary. With CI=true, leaving something out is a failure. */
const chosen = chooseParts();
const strict = process.env["CI"] === "true";
await installMissing(chosen);

const rows: { readonly name: string; readonly tally: Tally; readonly note: string }[] = [];
for (const part of chosen) rows.push(await runPart(part));

console.log("\nSummary");
for (const { name, tally, note } of rows) {
  console.log(`  ${name.padEnd(10)} ${tally.passed} passed, ${tally.failed} failed${note}`);
}
const passed = total("passed");
const failed = total("failed") + (strict ? total("leftOut") : 0);
if (total("leftOut") > 0) {
  console.log(`  ${total("leftOut")} left out${strict ? ", which CI=true counts as failed" : ""}`);
}
console.log(`\n${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

function chooseParts(): readonly Part[] {
  const { only } = parseArgs({ options: { only: { type: "string", multiple: true } } }).values;
  if (only === undefined) return parts;
  const stranger = only.find((name) => !parts.some((part) => part.name === name));
  if (stranger === undefined) return parts.filter(({ name }) => only.includes(name));
  console.error(`There is no part ${stranger}. The parts are: ${parts.map(({ name }) => name).join(", ")}`);
  process.exit(1);
}

async function runPart(part: Part) {
  const reason = await obstacle(part);
  if (reason !== undefined) {
    console.log(`\n== ${part.name}: left out, ${reason}`);
    return { name: part.name, tally: { passed: 0, failed: 0, leftOut: 1 }, note: `, left out: ${reason}` };
  }
  console.log(`\n== ${part.name}`);
  const [program, ...args] = part.command;
  const { code, output, ms } = await run(program, args, { show: true, env: { NO_COLOR: "1" } });
  const tally = readTally(output, code);
  const skipped = tally.leftOut > 0 ? `, ${tally.leftOut} left out` : "";
  return { name: part.name, tally, note: `${skipped} (${(ms / 1000).toFixed(0)} s)` };
}

function total(field: keyof Tally): number {
  return rows.reduce((sum, { tally }) => sum + tally[field], 0);
}
