import FlatQueue from "flatqueue";

/** Something with a moment at which it wants to be looked at. Times in milliseconds; Infinity for never. */
export interface Timed {
  readonly wakeAt: number;
  /** The queue's own: the earliest entry it has for this one. */
  queuedAt: number;
}

/** Who is due next among thousands. Entries are not moved: a later wish is found out when the earlier entry comes up. */
export class TimerQueue<T extends Timed> {
  readonly #queue = new FlatQueue<T>();

  /** To be called after `wakeAt` changed. */
  update(item: T): void {
    if (item.wakeAt >= item.queuedAt) return;
    item.queuedAt = item.wakeAt;
    this.#queue.push(item, item.wakeAt);
  }

  /** When the first one is due. */
  next(): number | undefined {
    this.#settle();
    return this.#queue.peekValue();
  }

  /** Takes one that is due, or undefined. `update` puts it back. */
  takeDue(now: number): T | undefined {
    const at = this.next();
    if (at === undefined || at > now) return undefined;
    const item = this.#queue.pop()!;
    item.queuedAt = Infinity;
    return item;
  }

  /** Brings an entry to the top that says what its owner wants now. */
  #settle(): void {
    for (let item = this.#queue.peek(); item !== undefined; item = this.#queue.peek()) {
      const at = this.#queue.peekValue()!;
      if (at === item.queuedAt && at === item.wakeAt) return;
      this.#queue.pop();
      if (at !== item.queuedAt) continue;
      item.queuedAt = Infinity;
      if (item.wakeAt < Infinity) this.update(item);
    }
  }
}
