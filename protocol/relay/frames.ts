/**
 * Relay frames: one binary WebSocket message each, integers little endian.
 *
 *   Send      0x01 | destination key 32 | bundle      agent -> relay
 *   Receive   0x02 | source key 32      | bundle      relay -> agent
 *   PeerGone  0x03 | peer key 32        | reason u8   relay -> agent
 *   Credit    0x04 | bytes u32                        agent -> relay: so many bundle bytes were taken off the socket
 *   Ping      0x05 | data 8                           agent -> relay
 *   Pong      0x06 | data 8                           relay -> agent
 *   Restart   0x07 | retry after ms u32               relay -> agent: the relay goes away on purpose
 *
 *   bundle    (length u16 | packet)*                  datagrams for one peer, in order
 *
 * Keys are WireGuard public keys. The relay reads the first 33 bytes and nothing of the bundle. Agents aim at bundles of
 * 16 KiB. A bundle of at most CONTROL_LANE_BYTES travels in a lane of its own that congestion does not drop: agents send
 * handshakes, cookies and keepalives as such bundles.
 */
export const FrameType = { send: 1, receive: 2, peerGone: 3, credit: 4, ping: 5, pong: 6, restart: 7 } as const;

export const KEY_BYTES = 32;
export const FRAME_HEADER_BYTES = 1 + KEY_BYTES;
export const BUNDLE_AIM_BYTES = 16_384;
/** Frames above this are refused and the socket is closed. */
export const FRAME_CAP_BYTES = 65_536;
/** A whole bundle of at most this size is never dropped for congestion (a WireGuard initiation is 148 bytes). */
export const CONTROL_LANE_BYTES = 192;

export const PeerGoneReason = { notConnected: 0, disconnected: 1 } as const;

/** WebSocket paths of the relay; the ticket travels as `Authorization: Bearer`. */
export const RELAY_PATH = "/api/relay/:region";
export function relayPath(region: string): string {
  return RELAY_PATH.replace(":region", encodeURIComponent(region));
}

/** By this header the Worker tells a relay object which WireGuard key (hex) the ticket admitted. Never from outside. */
export const ADMITTED_KEY_HEADER = "x-relay-key";

/** Starts a Send frame for one destination; packets are then added with `appendPacket`. */
export function writeSendHeader(out: Uint8Array, destination: Uint8Array): number {
  out[0] = FrameType.send;
  out.set(destination, 1);
  return FRAME_HEADER_BYTES;
}

/** Adds one packet at `offset` and returns the offset after it, or undefined when it does not fit. */
export function appendPacket(out: Uint8Array, offset: number, packet: Uint8Array): number | undefined {
  const end = offset + 2 + packet.length;
  if (end > out.length || packet.length > 0xffff || packet.length === 0) return undefined;
  out[offset] = packet.length & 0xff;
  out[offset + 1] = packet.length >> 8;
  out.set(packet, offset + 2);
  return end;
}

/** The packets of a bundle as views into it. Stops at the first length that lies. */
export function* readBundle(bundle: Uint8Array): Generator<Uint8Array> {
  let offset = 0;
  while (offset + 2 <= bundle.length) {
    const length = bundle[offset]! | (bundle[offset + 1]! << 8);
    const start = offset + 2;
    if (length === 0 || start + length > bundle.length) return;
    yield bundle.subarray(start, start + length);
    offset = start + length;
  }
}

export type RelayToAgentFrame =
  | { type: "receive"; source: Uint8Array; bundle: Uint8Array }
  | { type: "peerGone"; peer: Uint8Array; reason: number }
  | { type: "pong"; data: Uint8Array }
  | { type: "restart"; retryAfterMs: number };

/** Reads a frame an agent got; views into `bytes`. Anything malformed is undefined. */
export function readRelayToAgentFrame(bytes: Uint8Array): RelayToAgentFrame | undefined {
  const key = bytes.subarray(1, FRAME_HEADER_BYTES);
  switch (bytes[0]) {
    case FrameType.receive:
      if (bytes.length <= FRAME_HEADER_BYTES) return undefined;
      return { type: "receive", source: key, bundle: bytes.subarray(FRAME_HEADER_BYTES) };
    case FrameType.peerGone:
      if (bytes.length !== FRAME_HEADER_BYTES + 1) return undefined;
      return { type: "peerGone", peer: key, reason: bytes[FRAME_HEADER_BYTES]! };
    case FrameType.pong:
      return bytes.length === 9 ? { type: "pong", data: bytes.subarray(1) } : undefined;
    case FrameType.restart:
      return bytes.length === 5 ? { type: "restart", retryAfterMs: readU32(bytes, 1) } : undefined;
    default:
      return undefined;
  }
}

export type AgentToRelayFrame =
  | { type: "send"; destination: Uint8Array; bundleBytes: number }
  | { type: "credit"; bytes: number }
  | { type: "ping"; data: Uint8Array };

/** Reads a frame the relay got; views into `bytes`. Anything malformed is undefined. */
export function readAgentToRelayFrame(bytes: Uint8Array): AgentToRelayFrame | undefined {
  switch (bytes[0]) {
    case FrameType.send:
      if (bytes.length <= FRAME_HEADER_BYTES || bytes.length > FRAME_CAP_BYTES) return undefined;
      return {
        type: "send",
        destination: bytes.subarray(1, FRAME_HEADER_BYTES),
        bundleBytes: bytes.length - FRAME_HEADER_BYTES,
      };
    case FrameType.credit:
      return bytes.length === 5 ? { type: "credit", bytes: readU32(bytes, 1) } : undefined;
    case FrameType.ping:
      return bytes.length === 9 ? { type: "ping", data: bytes.subarray(1) } : undefined;
    default:
      return undefined;
  }
}

/** Turns a Send frame into the Receive frame for its destination, in place. */
export function turnIntoReceive(frame: Uint8Array, source: Uint8Array): void {
  frame[0] = FrameType.receive;
  frame.set(source, 1);
}

export function writePeerGone(peer: Uint8Array, reason: number): Uint8Array {
  const out = new Uint8Array(FRAME_HEADER_BYTES + 1);
  out[0] = FrameType.peerGone;
  out.set(peer, 1);
  out[FRAME_HEADER_BYTES] = reason;
  return out;
}

export function writeCredit(bytes: number): Uint8Array {
  const out = new Uint8Array(5);
  out[0] = FrameType.credit;
  new DataView(out.buffer).setUint32(1, bytes, true);
  return out;
}

export function writePing(data: Uint8Array): Uint8Array {
  return writeEcho(FrameType.ping, data);
}

export function writePong(data: Uint8Array): Uint8Array {
  return writeEcho(FrameType.pong, data);
}

function writeEcho(type: number, data: Uint8Array): Uint8Array {
  const out = new Uint8Array(9);
  out[0] = type;
  out.set(data.subarray(0, 8), 1);
  return out;
}

function readU32(bytes: Uint8Array, offset: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(offset, true);
}
