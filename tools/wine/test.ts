import { run } from "../process/run.ts";
import { doublesFolder, setUpWine } from "./setup.ts";

/** Under Deno for Windows: the adapters of Windows, and what is the same everywhere, the pure data plane and its ciphers. */
const FOLDERS = ["test/windows", "test/agent/dataplane", "test/agent/crypto"];

const { command, args, env } = await setUpWine();
// Wine shows the machine's root as drive Z.
const doubles = `Z:${doublesFolder.replaceAll("/", "\\")}`;
const tests = ["test", "-A", "--no-check", ...FOLDERS, ...process.argv.slice(2)];
const { code } = await run(command, [...args, ...tests], { env: { ...env, ZTNA_TEST_DOUBLES: doubles }, show: true });
process.exitCode = code;
