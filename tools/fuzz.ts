import { globSync, readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { root } from "./process/environment.ts";
import { run } from "./process/run.ts";

/** `npm run fuzz`: the properties of the agent's tests, for `--minutes` (10) in all instead of a few hundred cases each. */
const { values } = parseArgs({ options: { minutes: { type: "string", default: "10" } } });
const minutes = Number(values.minutes);
if (!(minutes > 0)) {
  console.error(`--minutes takes a number above 0, not ${values.minutes}.`);
  process.exit(1);
}

const files = globSync("test/agent/**/*_test.ts", { cwd: root }).sort().map((path) => ({
  path,
  count: properties(path),
}))
  .filter(({ count }) => count > 0);
const total = files.reduce((sum, { count }) => sum + count, 0);
const seconds = Math.max(1, Math.round((minutes * 60) / total));
console.log(`${total} properties, one after the other, ${seconds} s each`);

const { code } = await run("deno", ["test", "-A", ...files.map(({ path }) => path)], {
  env: { ZTNA_FUZZ_SECONDS: String(seconds) },
  show: true,
});
process.exitCode = code;

/** A property takes its number of cases from `test/agent/support/fuzz.ts`. */
function properties(path: string): number {
  return readFileSync(`${root}/${path}`, "utf8").match(/\bruns\(\d+\)/g)?.length ?? 0;
}
