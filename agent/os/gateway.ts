import type { NetworkPrefix } from "./network.ts";

/** What a gateway carries; prefixes of IPv4. They come over the network and go into rules, so they are no text here. */
export interface GatewayConfig {
  /** The tailnet's addresses: who may come through. */
  readonly pool: NetworkPrefix;
  /** What an admin has approved: where they may go. */
  readonly routes: readonly NetworkPrefix[];
}

/** Makes this host a router between the tunnel and the networks behind it. */
export interface Gateway {
  /** Carries these from now on, and nothing else. Throws `GatewayRefused`. */
  apply(config: GatewayConfig): void;
  /** Carries nothing any more. */
  close(): void;
}

/** The operating system does not do it; the message is for a person. */
export class GatewayRefused extends Error {
  override readonly name = "GatewayRefused";
}
