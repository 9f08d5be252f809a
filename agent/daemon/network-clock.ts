/**
 * The control plane's wall clock, for the timestamps of handshakes: peers take none that is not later than the last one
 * (WireGuard whitepaper, 5.4.2), and a host's own clock may have been set back since. Until the control plane has said its
 * time, the host's.
 */
export class NetworkClock {
  #startedAt: number | undefined;

  /** Milliseconds since 1970. */
  now(): number {
    return this.#startedAt === undefined ? Date.now() : this.#startedAt + performance.now();
  }

  set(wallMs: number): void {
    this.#startedAt = wallMs - performance.now();
  }
}
