export interface BackoffOptions {
  readonly firstMs: number;
  readonly mostMs: number;
}

/** Growing pauses between attempts, each drawn from the upper half of its span so that a fleet does not return at once. */
export class Backoff {
  readonly #options: BackoffOptions;
  readonly #random: () => number;
  #attempts = 0;

  /** `random` gives numbers in [0, 1). */
  constructor(options: BackoffOptions, random: () => number) {
    this.#options = options;
    this.#random = random;
  }

  get attempts(): number {
    return this.#attempts;
  }

  /** The next pause in milliseconds; never shorter than what the other side asked for. */
  next(atLeastMs = 0): number {
    const { firstMs, mostMs } = this.#options;
    const span = Math.min(mostMs, firstMs * 2 ** Math.min(this.#attempts, 30));
    this.#attempts++;
    const pause = span / 2 + (span / 2) * this.#random();
    return Math.round(atLeastMs > pause ? atLeastMs + (span / 2) * this.#random() : pause);
  }

  reset(): void {
    this.#attempts = 0;
  }
}
