import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { inTurn } from "../process/in-turn.ts";
import { run } from "../process/run.ts";
import { type Part, parts } from "./parts.ts";
import { installMissing, obstacle } from "./prepare.ts";
import { readTally, type Tally } from "./tally.ts";

/**
 * `npm test`: every part, those that can side by side, then one summary. With CI=true, leaving something out is a
 * failure.
 */
const chosen = chooseParts();
const strict = process.env["CI"] === "true";
await installMissing(chosen);

interface Row {
  readonly name: string;
  readonly tally: Tally;
  readonly note: string;
}

const rows: Row[] = [];
for (const group of groupsOf(chosen)) {
  const width = Math.min(group.length, availableParallelism());
  rows.push(...await inTurn(group, width, (part) => runPart(part, width > 1)));
}

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

/** Neighbours that may run side by side are one group. */
function groupsOf(all: readonly Part[]): Part[][] {
  const groups: Part[][] = [];
  for (const [at, part] of all.entries()) {
    if (part.alone || at === 0 || all[at - 1]!.alone) groups.push([part]);
    else groups.at(-1)!.push(part);
  }
  return groups;
}

/** Shows what the part prints at once, or in one piece when others print as well. */
async function runPart(part: Part, hasCompany: boolean): Promise<Row> {
  const reason = await obstacle(part);
  if (reason !== undefined) {
    console.log(`\n== ${part.name}: left out, ${reason}`);
    return { name: part.name, tally: { passed: 0, failed: 0, leftOut: 1 }, note: `, left out: ${reason}` };
  }
  console.log(`\n== ${part.name}${hasCompany ? ": started" : ""}`);
  const [program, ...args] = part.command;
  const { code, output, ms } = await run(program, args, { show: !hasCompany, env: { NO_COLOR: "1" } });
  if (hasCompany) console.log(`\n== ${part.name}: ended after ${(ms / 1000).toFixed(0)} s\n${output.trim()}`);
  const tally = readTally(output, code);
  const skipped = tally.leftOut > 0 ? `, ${tally.leftOut} left out` : "";
  return { name: part.name, tally, note: `${skipped} (${(ms / 1000).toFixed(0)} s)` };
}

function total(field: keyof Tally): number {
  return rows.reduce((sum, { tally }) => sum + tally[field], 0);
}
