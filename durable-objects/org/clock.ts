import type { Config } from "../../worker/config.ts";
import type { Change } from "./change.ts";
import type { ControlStreams } from "./control-streams.ts";
import type { Dashboards } from "./dashboards.ts";
import type { Ledger } from "./ledger.ts";
import { projectChanges } from "./projection.ts";
import { type Chore, Schedule } from "./schedule.ts";
import { markSilent, type NextSilence } from "./silence.ts";
import { dropEndedWindows } from "./store/rate-limits.ts";
import { choresAfter, doTimed, type TimedChore } from "./timed-chores.ts";

interface Parts {
  readonly storage: DurableObjectStorage;
  readonly db: D1Database;
  readonly config: Config;
  readonly ledger: Ledger;
  readonly streams: ControlStreams;
  readonly dashboards: Dashboards;
}

export interface Sweep {
  /** Machines that were marked offline. */
  readonly expiredCount: number;
  readonly ephemeralCleaned: number;
}

const RETRY_MS = 1_000;
const RETRY_MOST_MS = 60_000;

/**
 * What time alone brings about in an org. The alarm rings for what is known to fall due. Whether a stream has gone silent nobody
 * can know without a look: it is taken when somebody asks, and by the clock only while somebody listens. An org that is left
 * alone sleeps.
 */
export class OrgClock {
  readonly #parts: Parts;
  readonly #schedule: Schedule;
  readonly #failures = new Map<Chore, number>();
  /** No stream can have been silent for too long before. */
  #silentFrom = 0;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#schedule = new Schedule(parts.storage);
  }

  /** Sees to it that whoever asks now hears of no machine that has fallen silent. */
  look(now: number): void {
    if (now < this.#silentFrom || !this.#parts.ledger.isOpen) return;
    const { withoutStream } = this.#markSilent({ sparing: true });
    // Those whose stream was lost with the object, as at each deploy, get the time to come back.
    if (withoutStream !== Infinity) this.#schedule.arm("find_silent", now + this.#offlineAfterMs);
    this.#schedule.mend(now);
  }

  /** A dashboard listens from now on. */
  listen(now: number): void {
    this.look(now);
    this.#schedule.arm("find_silent", this.#silentFrom);
    this.#schedule.arm("close_idle", now + this.#idleMs);
  }

  /** Arms what a committed change calls for. */
  tell(change: Change): void {
    const { config, streams, dashboards } = this.#parts;
    const chores = choresAfter(change, config.timings, ({ before, after }) => {
      const loses = before !== undefined && before.node_key_hash !== after.node_key_hash;
      return !loses && !dashboards.isAnyOpen && streams.isConnected(after.id);
    });
    for (const [chore, dueAt] of chores) this.#schedule.arm(chore, dueAt);
  }

  ring(): Promise<void> {
    return this.#schedule.ring(Date.now(), (chore) => this.#perform(chore));
  }

  /** Does at once all that is due by time alone, and sees to it that the alarm will ring for the rest. */
  sweep(): Sweep {
    const { ledger, config: { timings } } = this.#parts;
    const sweep = ledger.write((change) => {
      this.#find(change, { sparing: false });
      const expiredCount = change.machines.length;
      for (const chore of ["remove_ephemeral", "expire_auth_keys", "expire_node_keys"] as const) {
        doTimed(chore, change, timings);
      }
      return { expiredCount, ephemeralCleaned: change.deleted.length };
    });
    this.#schedule.rearm();
    return sweep;
  }

  /** A chore that fails must not keep the others from their turn; D1, for one, may be away for long. */
  async #perform(chore: Chore): Promise<void> {
    try {
      await this.#do(chore);
      this.#failures.delete(chore);
    } catch (error) {
      console.error(JSON.stringify({ event: "chore.failed", chore, error: String(error) }));
      const failures = this.#failures.get(chore) ?? 0;
      this.#failures.set(chore, failures + 1);
      this.#schedule.arm(chore, Date.now() + Math.min(RETRY_MS * 2 ** failures, RETRY_MOST_MS));
    }
  }

  async #do(chore: Chore): Promise<void> {
    switch (chore) {
      case "project":
        return await this.#project();
      case "find_silent":
        return this.#again(chore, this.#findSilent(), this.#offlineAfterMs);
      case "close_idle":
        return this.#again(chore, this.#parts.dashboards.closeIdle(Date.now(), this.#idleMs), this.#idleMs);
      default:
        return this.#again(chore, this.#doTimed(chore), this.#periodMs(chore));
    }
  }

  /** One round serves everybody who is due within a quarter of the period: an org is not woken for each of them. */
  #again(chore: Chore, dueAt: number | undefined, periodMs: number): void {
    if (dueAt !== undefined) this.#schedule.arm(chore, Math.max(dueAt, Date.now() + periodMs / 4));
  }

  #doTimed(chore: TimedChore): number | undefined {
    const { ledger, config } = this.#parts;
    return ledger.write((change) => doTimed(chore, change, config.timings));
  }

  #findSilent(): number | undefined {
    const { withStream, withoutStream } = this.#markSilent({ sparing: false });
    const next = this.#parts.dashboards.isAnyOpen ? Math.min(withStream, withoutStream) : withoutStream;
    return next === Infinity ? undefined : next;
  }

  #markSilent(how: { sparing: boolean }): NextSilence {
    return this.#parts.ledger.write((change) => this.#find(change, how));
  }

  #find(change: Change, { sparing }: { sparing: boolean }): NextSilence {
    const offlineAfterMs = this.#offlineAfterMs;
    const next = markSilent(change, this.#parts.streams, { offlineAfterMs, sparing });
    this.#silentFrom = Math.min(next.withStream, change.now + offlineAfterMs);
    return next;
  }

  async #project(): Promise<void> {
    const { db, ledger } = this.#parts;
    dropEndedWindows(ledger.sql, Date.now());
    while (await projectChanges(ledger.sql, db, ledger.org().id));
  }

  #periodMs(chore: TimedChore): number {
    const { ephemeral_offline_s, key_check_s } = this.#parts.config.timings;
    return (chore === "remove_ephemeral" ? ephemeral_offline_s : key_check_s) * 1000;
  }

  get #offlineAfterMs(): number {
    return this.#parts.config.timings.offline_after_s * 1000;
  }

  get #idleMs(): number {
    return this.#parts.config.timings.realtime_idle_s * 1000;
  }
}
