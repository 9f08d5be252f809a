import { Command, InvalidArgumentError } from "@commander-js/extra-typings";
import type { Agent, GlobalFlags } from "./agent.ts";

/** A verb adds itself to the program. */
export type AddVerb = (program: Command, agent: Agent) => void;

/** Says of `--json` what scripts may build on. */
export const JSON_FORM = "as JSON, for scripts: keys may come, none goes or changes";

/** The options that every verb understands. */
export function globalFlags(command: { optsWithGlobals(): object }): GlobalFlags {
  return command.optsWithGlobals() as GlobalFlags;
}

/** Goes after a command's help. */
export function examples(...lines: readonly string[]): string {
  return ["", "Examples:", ...lines.map((line) => `  ${line}`)].join("\n");
}

/** Of an option such as `--shields-up [on]`: alone it says yes, with `=false` no. */
export function parseSwitch(text: string): boolean {
  if (["true", "on", "yes", "1"].includes(text)) return true;
  if (["false", "off", "no", "0"].includes(text)) return false;
  throw new InvalidArgumentError("It must be true or false");
}

/** A list separated by commas; empty text is an empty list. */
export function parseList(text: string): string[] {
  return text.split(",").map((part) => part.trim()).filter((part) => part !== "");
}
