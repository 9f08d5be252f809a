import tab from "@bomb.sh/tab/commander";
import type { Command } from "@commander-js/extra-typings";

/**
 * Adds `ztna completion <shell>`, which prints the script for a shell, and the hidden `ztna complete -- …` that such a
 * script asks. Call it when every other verb is there. The only user of the completion library.
 */
export function addCompletion(program: Command): void {
  tab(program as unknown as Parameters<typeof tab>[0], { completionCommandName: "completion" });
}
