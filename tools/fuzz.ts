import { parseArgs } from "node:util";
import { run } from "./process/run.ts";

/** `npm run fuzz`: the properties of the data plane's tests, for `--minutes` (10) in all instead of a few hundred cases each. */
const { values } = parseArgs({ options: { minutes: { type: "string", default: "10" } } });
const files = ["hostile", "simulator", "split", "coalesce", "allowed-ips", "replay-window", "blake2s"];
/** Properties in these files; they run one after the other. */
const PROPERTIES = 12;
const seconds = Math.max(1, Math.round((Number(values.minutes) * 60) / PROPERTIES));

const { code } = await run("deno", ["test", "-A", ...files.map((file) => `test/agent/dataplane/${file}_test.ts`)], {
  env: { ZTNA_FUZZ_SECONDS: String(seconds) },
  show: true,
});
process.exitCode = code;
