import type { DataCommand, Endpoint, Path, PeerIndex, Prefix } from "../link.ts";

/** A peer as the network map (or a WireGuard configuration) gives it. Keys are 32 bytes. */
export interface PeerConfig {
  readonly publicKey: Uint8Array;
  readonly presharedKey?: Uint8Array;
  readonly allowedIps: readonly Prefix[];
  /** UDP addresses it may be reached at; tried for a direct path. */
  readonly endpoints: readonly Endpoint[];
  /** True when it can be reached over the relay. */
  readonly relay: boolean;
  /** Seconds between keepalives, 0 for none. */
  readonly persistentKeepaliveS?: number;
}

/** What the control thread's pure half wants done, drained by its shell after every call. */
export interface ControlOutbox {
  readonly commands: DataCommand[];
  /** Handshake messages to send over the relay to the peer with this public key. */
  readonly relay: { readonly publicKey: Uint8Array; readonly bytes: Uint8Array }[];
  readonly events: DeviceEvent[];
}

export type DeviceEvent =
  | { readonly type: "peer.connected"; readonly peer: PeerIndex; readonly publicKey: Uint8Array; readonly path: Path }
  | { readonly type: "peer.path"; readonly peer: PeerIndex; readonly publicKey: Uint8Array; readonly path: Path }
  | { readonly type: "peer.unreachable"; readonly peer: PeerIndex; readonly publicKey: Uint8Array };

/** State of one peer. Times in milliseconds of the shell's clock, 0 for never. */
export interface PeerState {
  readonly peer: PeerIndex;
  readonly publicKey: Uint8Array;
  readonly path: Path;
  readonly lastHandshakeAt: number;
  readonly txBytes: number;
  readonly rxBytes: number;
  readonly txPackets: number;
  readonly rxPackets: number;
  readonly handshakes: number;
}

export function createControlOutbox(): ControlOutbox {
  return { commands: [], relay: [], events: [] };
}
