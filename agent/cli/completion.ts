import tab from "@bomb.sh/tab/commander";
import type { Command } from "@commander-js/extra-typings";

/** What can be completed besides commands and options. */
export interface Names {
  readonly machines: readonly string[];
  readonly profiles: readonly string[];
}

/** The first argument of these commands is one of those names. */
const completed: readonly (readonly [command: string, argument: string, kind: keyof Names])[] = [
  ["ping", "peer", "machines"],
  ["peers", "name", "machines"],
  ["ssh", "peer", "machines"],
  ["nc", "peer", "machines"],
  ["ip", "peer", "machines"],
  ["switch", "target", "profiles"],
  ["profile delete", "name", "profiles"],
];

/**
 * Adds `ztna completion <shell>`, which prints the script for a shell, and the hidden `ztna complete -- …` that such a
 * script asks. Call it when every other verb is there. The only user of the completion library.
 */
export function addCompletion(program: Command, names: Names): void {
  const root = tab(program as unknown as Parameters<typeof tab>[0], { completionCommandName: "completion" });
  for (const [command, argument, kind] of completed) {
    root.commands.get(command)?.argument(argument, (complete) => names[kind].forEach((name) => complete(name, "")));
  }
}
