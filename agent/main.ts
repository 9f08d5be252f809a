import { runCli } from "./cli/cli.ts";
import { agent } from "./wiring.ts";

Deno.exit(await runCli(Deno.args, agent));
