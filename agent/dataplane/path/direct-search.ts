export interface DirectTimings {
  /** Between two attempts of one search. */
  readonly directAttemptMs: number;
  /** Between two searches while there is traffic. */
  readonly directRetryMs: number;
}

/** What is known of the peer when the search is asked. */
export interface DirectState {
  /** False on a direct path, and for a peer whose addresses nobody knows. */
  readonly wanted: boolean;
  /** When a packet with content was last sent to the peer. */
  readonly lastDataSentAt: number;
}

const ATTEMPTS = 3;

/**
 * When to look for a direct path to one peer: a few attempts after a handshake by relay, then again as long as there is
 * traffic. An attempt is an initiation to all of the peer's addresses, which its owner sends. Times in milliseconds.
 */
export class DirectSearch {
  readonly #timings: DirectTimings;
  #attempts = 0;
  /** When to ask `next`; Infinity for never. */
  at = Infinity;

  constructor(timings: DirectTimings) {
    this.#timings = timings;
  }

  /** After a handshake. One end goes first, so that two attempts do not cross; the other one waits until those are over. */
  plan(wanted: boolean, goesFirst: boolean, now: number): void {
    if (!wanted) this.stop();
    else if (this.at === Infinity) this.at = now + (goesFirst ? 0 : this.#timings.directAttemptMs * (ATTEMPTS + 1));
  }

  /** At `at`: make an attempt, or give up those that were made, or nothing. */
  next({ wanted, lastDataSentAt }: DirectState, now: number): "attempt" | "give up" | "nothing" {
    const { directAttemptMs, directRetryMs } = this.#timings;
    if (!wanted) {
      this.at = Infinity;
      return "nothing";
    }
    if (this.#attempts++ < ATTEMPTS) {
      this.at = now + directAttemptMs;
      return "attempt";
    }
    this.#attempts = 0;
    this.at = now - lastDataSentAt > directRetryMs ? Infinity : now + directRetryMs;
    return "give up";
  }

  stop(): void {
    this.at = Infinity;
    this.#attempts = 0;
  }
}
