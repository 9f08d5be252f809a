import type { AgentCommand, CommandResult } from "#protocol/api/agent-commands.ts";

const MOST_RESULTS = 32;

/** Which commands of the control plane this agent has taken up: each comes until it is acknowledged, and is done once. */
export class CommandLedger {
  /** Undefined while it is being done. */
  readonly #results = new Map<string, CommandResult | undefined>();

  /** Answers those that are new, and what became of those that are done already. */
  take(commands: readonly AgentCommand[]): { fresh: readonly AgentCommand[]; known: readonly CommandResult[] } {
    const fresh = commands.filter(({ id }) => !this.#results.has(id));
    const known = commands.flatMap(({ id }) => this.#results.get(id) ?? []);
    for (const { id } of fresh) this.#results.set(id, undefined);
    return { fresh, known };
  }

  settle(result: CommandResult): void {
    this.#results.set(result.id, result);
  }

  /** What a heartbeat says, should nothing else have said it: the newest. */
  get results(): CommandResult[] {
    return [...this.#results.values()].flatMap((result) => result ?? []).slice(-MOST_RESULTS);
  }
}
