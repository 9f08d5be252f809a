import type { AgentCommandName, CommandResult } from "#protocol/api/agent-commands.ts";
import { lockSessions } from "../os/lock-sessions.ts";
import type { AgentPaths } from "./paths.ts";
import { wipeSecrets, wipeTraces } from "./wipe.ts";

const WIPED = "An admin of your organization has wiped this machine: its keys, tokens, settings and logs are removed.";

/** What admins have this machine do to itself. */
export class AdminOrders {
  readonly #paths: AgentPaths;
  readonly #end: () => void;
  #isWiped = false;

  /** `end` is called in a later turn: what became of an order can be told before. */
  constructor(paths: AgentPaths, end: () => void) {
    this.#paths = paths;
    this.#end = end;
  }

  /** From then on nothing is to be kept on this machine. */
  get isWiped(): boolean {
    return this.#isWiped;
  }

  async obey(command: AgentCommandName): Promise<Omit<CommandResult, "id">> {
    return command === "lock_device" ? await lockSessions() : this.#wipe();
  }

  /** When the agent has let go of its files. */
  finish(warn: (text: string) => void): void {
    if (!this.#isWiped) return;
    const left = [...wipeSecrets(this.#paths), ...wipeTraces(this.#paths)];
    warn(WIPED);
    if (left.length > 0) warn(`Could not remove ${left.join(", ")}. Remove it by hand.`);
  }

  /** The secrets go before it is acknowledged: an order that was does not come again. */
  #wipe(): Omit<CommandResult, "id"> {
    this.#isWiped = true;
    const left = wipeSecrets(this.#paths);
    setTimeout(this.#end);
    if (left.length === 0) return { done: true, said: "Its keys, tokens and settings are removed, its logs follow" };
    return { done: false, said: `${left.length} of its files could not be removed` };
  }
}
