import { dropChore, listChores, saveChore } from "./store/chores.ts";

/**
 * What the object's one alarm serves: copying to D1, finding silent machines, noting who is there, removing ephemeral ones, ending keys, closing
 * silent dashboards.
 */
export type Chore =
  | "project"
  | "find_silent"
  | "copy_last_seen"
  | "remove_ephemeral"
  | "expire_auth_keys"
  | "expire_node_keys"
  | "close_idle";

/** Several timers on the one alarm an object has. Kept in SQLite; the map is a cache of it. */
export class Schedule {
  readonly #storage: DurableObjectStorage;
  readonly #dueAt: Map<Chore, number>;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    this.#dueAt = new Map(listChores(storage.sql).map(({ name, due_at }) => [name as Chore, due_at]));
  }

  /** Has the chore done at `dueAt` (milliseconds) at the latest; costs nothing when it will be anyway. */
  arm(chore: Chore, dueAt: number): void {
    if ((this.#dueAt.get(chore) ?? Infinity) <= dueAt) return;
    const earliest = this.#earliest();
    this.#dueAt.set(chore, dueAt);
    saveChore(this.#storage.sql, chore, dueAt);
    if (dueAt < earliest) void this.#storage.setAlarm(dueAt);
  }

  /** Takes the chores that are due off the schedule; when none is, the next one, because somebody rang. */
  takeDue(now: number): Chore[] {
    const due = Math.max(now, this.#earliest());
    const taken = [...this.#dueAt].filter(([, dueAt]) => dueAt <= due).map(([chore]) => chore);
    for (const chore of taken) {
      this.#dueAt.delete(chore);
      dropChore(this.#storage.sql, chore);
    }
    return taken;
  }

  /** Sets the alarm to what is left. */
  rearm(): void {
    const earliest = this.#earliest();
    if (earliest !== Infinity) void this.#storage.setAlarm(earliest);
  }

  #earliest(): number {
    return Math.min(...this.#dueAt.values());
  }
}
