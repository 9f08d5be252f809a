import { Command } from "@commander-js/extra-typings";
import type { Agent, GlobalFlags } from "./agent.ts";

/** A verb adds itself to the program. */
export type AddVerb = (program: Command, agent: Agent) => void;

/** Says of `--json` what scripts may build on. */
export const JSON_FORM = "as JSON, for scripts: keys may come, none goes or changes";

/** The options that every verb understands. */
export function globalFlags(command: { optsWithGlobals(): object }): GlobalFlags {
  return command.optsWithGlobals() as GlobalFlags;
}
