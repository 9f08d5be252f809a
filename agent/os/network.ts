/** An IP prefix: 4 or 16 address bytes and a length in bits. */
export interface NetworkPrefix {
  readonly address: Uint8Array;
  readonly bits: number;
}

/** What the operating system should know about the tunnel's interface. */
export interface NetworkConfig {
  readonly mtuBytes: number;
  /** The machine's own addresses in the tailnet. */
  readonly addresses: readonly NetworkPrefix[];
  /** Prefixes that go into the tunnel. */
  readonly routes: readonly NetworkPrefix[];
}

/** One interface's addresses and routes. */
export interface Network {
  /** Brings the interface up and makes addresses and routes those of `config`. Throws `NetworkRefused`. */
  apply(config: NetworkConfig): void;
  /** Takes away what `apply` made, as far as it is still there. */
  close(): void;
}

/** The operating system did not take a setting; the message is for a person. */
export class NetworkRefused extends Error {
  override readonly name = "NetworkRefused";
}
