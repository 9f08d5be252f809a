/**
 * The treaty between the two halves of the data plane (docs/architecture.md): the control thread makes handshakes, keeps
 * timers and chooses paths; the data thread moves packets and blocks in poll. Commands go one way, events the other,
 * both as plain data; counters and times that change per packet lie in memory both see (`PeerCells`).
 */

/** A UDP address: 16 bytes of IPv6 (IPv4 as ::ffff:a.b.c.d) and a port. Opaque to WireGuard but for cookies. */
export interface Endpoint {
  readonly address: Uint8Array;
  readonly port: number;
}

export function sameEndpoint(a: Endpoint, b: Endpoint): boolean {
  if (a.port !== b.port) return false;
  for (let at = 0; at < 16; at++) if (a.address[at] !== b.address[at]) return false;
  return true;
}

/** True for an address of 16 bytes that is ::ffff:a.b.c.d. */
export function isIpv4(address: Uint8Array): boolean {
  return address[10] === 0xff && address[11] === 0xff && address.subarray(0, 10).every((byte) => byte === 0);
}

/** How datagrams reach a peer, and where one came from: a UDP address, the relay, or (for a path) nowhere. */
export type Source = { readonly via: "udp"; readonly endpoint: Endpoint } | { readonly via: "relay" };
export type Path = Source | { readonly via: "none" };

/** Row of a peer in `PeerCells`; the control thread hands rows out and reuses them after `peer.remove`. */
export type PeerIndex = number;

/** An IP prefix: 4 or 16 address bytes and a length in bits. */
export interface Prefix {
  readonly address: Uint8Array;
  readonly bits: number;
}

/** Control thread -> data thread. */
export type DataCommand =
  /** This machine's own key: handshakes to any other are not for it, and without one none are let through. */
  | { readonly type: "identity.set"; readonly publicKey: Uint8Array }
  | {
    readonly type: "peer.set";
    readonly peer: PeerIndex;
    readonly publicKey: Uint8Array;
    readonly allowedIps: readonly Prefix[];
  }
  | { readonly type: "peer.remove"; readonly peer: PeerIndex }
  | { readonly type: "path.set"; readonly peer: PeerIndex; readonly path: Path }
  /**
   * A finished handshake. As initiator the session is the current one at once; as responder it waits as `next` until its
   * first packet opens (whitepaper 6.5). Keys are 32 bytes; indices u32.
   */
  | {
    readonly type: "session.install";
    readonly peer: PeerIndex;
    readonly initiator: boolean;
    readonly localIndex: number;
    readonly remoteIndex: number;
    readonly sendKey: Uint8Array;
    readonly receiveKey: Uint8Array;
    readonly createdAt: number;
  }
  /** The peer has this session: what is sent goes by it from now on. For a thread that sends and does not receive. */
  | { readonly type: "session.promote"; readonly peer: PeerIndex; readonly localIndex: number }
  /** Forget all sessions of a peer and zero their keys. */
  | { readonly type: "sessions.drop"; readonly peer: PeerIndex }
  /** Send an empty transport packet. */
  | { readonly type: "keepalive.send"; readonly peer: PeerIndex }
  /** Send a finished datagram (a handshake message) as it is. */
  | { readonly type: "datagram.send"; readonly to: Endpoint; readonly bytes: Uint8Array }
  /** A datagram the relay delivered from the peer with this key: treat as received. */
  | { readonly type: "datagram.receive"; readonly from: Uint8Array; readonly bytes: Uint8Array }
  /** An IP packet of our own, handled as if it came from the TUN. */
  | { readonly type: "packet.inject"; readonly bytes: Uint8Array }
  /** Super-packets and joined datagrams, where the system has them: on at first. */
  | { readonly type: "offloads.set"; readonly enabled: boolean }
  /** The longest IP packet the interface takes, when that is less than the arena has room for. */
  | { readonly type: "mtu.set"; readonly mtuBytes: number }
  | { readonly type: "stop" };

/** Data thread -> control thread. */
export type DataEvent =
  /** A message of type 1 to 3 arrived, and `HandshakeGate` let it through. `relayKey` is the sender's key by the relay's word when it came that way. */
  | {
    readonly type: "handshake.received";
    readonly source: Source;
    readonly relayKey: Uint8Array | undefined;
    readonly bytes: Uint8Array;
  }
  /** A packet waits for a session, or the session in use is due for a new handshake. Sent again after 5 s when nothing came of it. */
  | { readonly type: "handshake.wanted"; readonly peer: PeerIndex }
  /** Traffic after silence: the control thread arms its timers. Sent when `PeerCells.armed` was 0, and sets it to 1. */
  | { readonly type: "peer.active"; readonly peer: PeerIndex }
  /** A `next` session became current: its first packet opened. */
  | { readonly type: "session.confirmed"; readonly peer: PeerIndex; readonly localIndex: number }
  /** An authenticated packet came from another place than the path in use (roaming); the path was changed already. */
  | { readonly type: "path.learned"; readonly peer: PeerIndex; readonly path: Path }
  /** A datagram to send to this peer over the relay. */
  | { readonly type: "relay.send"; readonly peer: PeerIndex; readonly bytes: Uint8Array }
  /** An ICMP echo reply to a packet that was injected with `ECHO_ID`; `sequence` u16. */
  | {
    readonly type: "echo.received";
    readonly peer: PeerIndex;
    readonly sequence: number;
    readonly via: "udp" | "relay";
  };

/** The device, the socket or the data thread itself failed: it has stopped. Comes after all events, and by no ring: it must arrive. */
export interface Fault {
  readonly type: "fault";
  readonly where: "tun" | "udp" | "worker";
  readonly errno: number;
  readonly message: string;
}

/** ICMP identifier of the agent's own probes. */
export const ECHO_ID = 0x7a74;

/** WireGuard needs one row per peer; more peers than this are refused by the control thread. */
export const MAX_PEERS = 16_384;

/**
 * Numbers about each peer, written by the data thread (but for one) and read by both: `Float64Array` of MAX_PEERS rows of
 * `CELLS_PER_PEER`. Times are milliseconds of the shell's clock, 0 for never.
 */
export const Cell = {
  /** 1 while the control thread watches this peer's timers. */
  armed: 0,
  txBytes: 1,
  rxBytes: 2,
  txPackets: 3,
  rxPackets: 4,
  /** Any authenticated packet, keepalives too. */
  lastSent: 5,
  lastReceived: 6,
  /** Packets with content. */
  lastDataSent: 7,
  lastDataReceived: 8,
  /** First content packet sent since anything was received; 0 when nothing waits for an answer. Both threads write it. */
  unansweredSince: 9,
  /** Handshakes finished, in either role; written by the control thread. */
  handshakes: 10,
} as const;
export const CELLS_PER_PEER = 11;

export type PeerCells = Float64Array;

export function cellOffset(peer: PeerIndex, cell: number): number {
  return peer * CELLS_PER_PEER + cell;
}

/**
 * Numbers about the device and the socket, written by the data thread and read by both: a shared `Float64Array` in this
 * order. Those that start with "offload" are 1 while the system does it for us.
 */
export const ioCells = [
  /** Packets read from the TUN; a super-packet is one. */
  "tun.read",
  "tun.written",
  /** Packets that were written as part of another. */
  "tun.joined",
  /** Without the cookies of a thread that only receives: one thread counts. */
  "udp.sent",
  /** Messages these datagrams went out in. */
  "udp.sent_messages",
  "udp.received",
  "udp.received_messages",
  "offload.tun_tso",
  "offload.tun_uso",
  "offload.tun_join",
  "offload.udp_segment",
  "offload.udp_gro",
] as const;
export type IoCell = (typeof ioCells)[number];

/** Drops by reason of the data thread: one u32 counter each, in a shared array in the order of `dropReasons`. */
export const dropReasons = [
  "tun.malformed",
  "tun.no_route",
  "tun.no_session",
  "tun.queue_full",
  "tun.no_path",
  /** Longer than the tunnel carries; answered with ICMP where it may not be cut. */
  "tun.too_big",
  "udp.malformed",
  "udp.unknown_index",
  "udp.forged",
  "udp.replayed",
  "udp.expired",
  "udp.source_not_allowed",
  "udp.malformed_inner",
  /** The way was congested, and the sender of the packet does not understand the sign for it (RFC 6040). */
  "udp.congestion",
  /** A peer started it while this machine lets nothing in. */
  "shields.up",
  "relay.unknown_peer",
  "relay.queue_full",
  "handshake.malformed",
  "handshake.mac1",
  "handshake.unknown_peer",
  "handshake.replayed",
  "handshake.forged",
  "handshake.rate_limited",
  "handshake.unknown_index",
  /** Answered with a cookie, which the sender must come back with. */
  "handshake.under_load",
  "link.full",
  /** The kernel did not take a packet (interface down) or a datagram (no route, blocked, too long). */
  "tun.refused",
  "udp.refused",
] as const;
export type DropReason = (typeof dropReasons)[number];

/** Counts in memory that several threads count in. */
export function countDrop(drops: Uint32Array, reason: DropReason): void {
  Atomics.add(drops, dropReasons.indexOf(reason), 1);
}
