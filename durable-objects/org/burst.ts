/**
 * Hands single items on at once and gathers those of a burst: after each hand-over there is a pause, and what comes in it
 * goes together at its end. The timer lives no longer than a pause, so an idle object still hibernates.
 */
export class Burst<T> {
  readonly #pauseMs: number;
  readonly #handOver: (items: readonly T[]) => void;
  readonly #held: T[] = [];
  #pausing = false;

  constructor(pauseMs: number, handOver: (items: readonly T[]) => void) {
    this.#pauseMs = pauseMs;
    this.#handOver = handOver;
  }

  add(item: T): void {
    this.#held.push(item);
    if (!this.#pausing) this.#go();
  }

  /** Hands over what is held without waiting for the pause's end. */
  flush(): void {
    if (this.#held.length > 0) this.#handOver(this.#held.splice(0));
  }

  #go(): void {
    this.#pausing = this.#held.length > 0;
    if (!this.#pausing) return;
    setTimeout(() => this.#go(), this.#pauseMs);
    this.flush();
  }
}
