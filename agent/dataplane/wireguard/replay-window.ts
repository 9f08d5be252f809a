const BITS = 8192;

/** The counters one session has seen (RFC 6479): a window of 8192 below the highest. Counters are exact below 2^53. */
export class ReplayWindow {
  readonly #seen = new Uint32Array(BITS / 32);
  #highest = -1;

  /** True when the counter is new and not too old. Looks only. */
  accepts(counter: number): boolean {
    if (counter > this.#highest) return true;
    return counter > this.#highest - BITS && (this.#word(counter) & bit(counter)) === 0;
  }

  /** Marks a counter that was accepted and whose packet was authentic. */
  mark(counter: number): void {
    if (counter > this.#highest) this.#advance(counter);
    this.#seen[(counter % BITS) >>> 5]! |= bit(counter);
  }

  #advance(counter: number): void {
    if (counter - this.#highest >= BITS) this.#seen.fill(0);
    else for (let at = this.#highest + 1; at <= counter; at++) this.#seen[(at % BITS) >>> 5]! &= ~bit(at);
    this.#highest = counter;
  }

  #word(counter: number): number {
    return this.#seen[(counter % BITS) >>> 5]!;
  }
}

function bit(counter: number): number {
  return 1 << (counter % 32);
}
