import { dropChore, listChores, saveChore } from "./store/chores.ts";

/** What the object's one alarm serves: copying to D1, finding silent machines, removing ephemeral ones, ending keys, closing silent dashboards. */
export type Chore =
  | "project"
  | "find_silent"
  | "remove_ephemeral"
  | "expire_auth_keys"
  | "expire_node_keys"
  | "close_idle";

/** An alarm that is so late was lost: the runtime gives up on one that has failed six times. */
const LOST_AFTER_MS = 60_000;

/** Several timers on the one alarm an object has. Kept in SQLite; the map is a cache of it. */
export class Schedule {
  readonly #storage: DurableObjectStorage;
  #known: Map<Chore, number> | undefined;
  /** Those at work while the alarm rings: they stay in SQLite until it has, so that none is lost with the object. */
  #taken: Set<Chore> | undefined;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  /** Has the chore done at `dueAt` (milliseconds) at the latest; costs nothing when it will be anyway. */
  arm(chore: Chore, dueAt: number): void {
    if ((this.#dueAt.get(chore) ?? Infinity) <= dueAt) return;
    const earliest = this.#earliest();
    this.#dueAt.set(chore, dueAt);
    this.#taken?.delete(chore);
    saveChore(this.#storage.sql, chore, dueAt);
    if (dueAt < earliest && this.#taken === undefined) void this.#storage.setAlarm(dueAt);
  }

  /**
   * Has done what is due; when nothing is, the next one, because somebody rang. What then needs doing again is on the schedule
   * by then.
   */
  async ring(now: number, perform: (chore: Chore) => Promise<void>): Promise<void> {
    const due = Math.max(now, this.#earliest());
    const taken = [...this.#dueAt].filter(([, dueAt]) => dueAt <= due).map(([chore]) => chore);
    this.#taken = new Set(taken);
    for (const chore of taken) this.#dueAt.delete(chore);
    for (const chore of taken) await perform(chore);
    for (const chore of this.#taken) dropChore(this.#storage.sql, chore);
    this.#taken = undefined;
    this.rearm();
  }

  /** Sets the alarm to what is next. */
  rearm(): void {
    const earliest = this.#earliest();
    if (earliest !== Infinity) void this.#storage.setAlarm(earliest);
  }

  /** Sets an alarm anew that should have rung long ago. */
  mend(now: number): void {
    if (this.#earliest() < now - LOST_AFTER_MS && this.#taken === undefined) void this.#storage.setAlarm(now);
  }

  get #dueAt(): Map<Chore, number> {
    return this.#known ??= new Map(listChores(this.#storage.sql).map(({ name, due_at }) => [name as Chore, due_at]));
  }

  #earliest(): number {
    return Math.min(...this.#dueAt.values());
  }
}
