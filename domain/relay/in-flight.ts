import { CONTROL_LANE_BYTES } from "#protocol/relay/frames.ts";

/**
 * Bundle bytes on their way to one receiver: what was sent to it less what it has credited. Data stops at `capBytes`;
 * bundles of the control lane go on to twice that, so that a receiver that never reads still costs a bounded amount.
 *
 * Only `isSlow` outlives hibernation. It turns on at half the cap and off at a quarter, so it changes seldom, and an account
 * that starts from it can be wrong by half a cap but never so full that nothing passes and no credit could ever come.
 */
export class InFlight {
  readonly capBytes: number;
  #bytes: number;
  #isSlow: boolean;

  constructor(capBytes: number, isSlow: boolean) {
    this.capBytes = capBytes;
    this.#isSlow = isSlow;
    this.#bytes = isSlow ? capBytes / 2 : 0;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get isSlow(): boolean {
    return this.#isSlow;
  }

  /** Takes a bundle into account, or answers false when it must be dropped. */
  admit(bundleBytes: number): boolean {
    const cap = bundleBytes <= CONTROL_LANE_BYTES ? 2 * this.capBytes : this.capBytes;
    if (this.#bytes + bundleBytes > cap) return false;
    this.#bytes += bundleBytes;
    if (this.#bytes >= this.capBytes / 2) this.#isSlow = true;
    return true;
  }

  credit(bytes: number): void {
    this.#bytes = Math.max(0, this.#bytes - bytes);
    if (this.#bytes < this.capBytes / 4) this.#isSlow = false;
  }
}
