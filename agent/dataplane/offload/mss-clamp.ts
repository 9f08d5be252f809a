import type { DataArena } from "../arena.ts";
import { updateChecksum } from "./checksum.ts";

type Room = Pick<DataArena, "bytes" | "view">;

const TCP = 6;
const SYN = 0x02;
const TCP_HEADER_BYTES = 20;
/** TCP options (RFC 9293, 3.2): kind, length, value; the first two kinds are one byte. */
const END_OF_OPTIONS = 0;
const NO_OPERATION = 1;
const SEGMENT_SIZE = 2;
const SEGMENT_SIZE_BYTES = 4;

/**
 * Lowers the segment size that a TCP SYN announces to what the tunnel carries in one packet: hosts behind a machine that
 * routes for them do not know its MTU. `packet` has the header its IP version needs at least; others stay as they are.
 */
export function clampMss({ bytes, view }: Room, packet: number, length: number, mtuBytes: number): void {
  if (!looksLikeSyn(bytes, packet)) return;
  const tcp = synAt(view, packet, length);
  if (tcp === 0) return;
  const isIpv4 = view.getUint8(packet) >>> 4 === 4;
  const most = Math.max(0, mtuBytes - (isIpv4 ? 40 : 60));
  const end = Math.min(packet + length, tcp + (view.getUint8(tcp + 12) >>> 4) * 4);
  for (let at = tcp + TCP_HEADER_BYTES; at < end;) {
    const kind = view.getUint8(at);
    if (kind === END_OF_OPTIONS) return;
    const size = kind === NO_OPERATION ? 1 : at + 1 < end ? view.getUint8(at + 1) : 0;
    if (size === 0 || at + size > end || (kind !== NO_OPERATION && size === 1)) return;
    if (kind === SEGMENT_SIZE && size === SEGMENT_SIZE_BYTES) lower(view, tcp, at + 2, most);
    at += size;
  }
}

/** All that most packets cost; it may look behind the end of one that lies. */
function looksLikeSyn(bytes: Uint8Array, packet: number): boolean {
  const first = bytes[packet]!;
  if (first >>> 4 !== 4) return bytes[packet + 6] === TCP && (bytes[packet + 40 + 13]! & SYN) !== 0;
  return bytes[packet + 9] === TCP && (bytes[packet + (first & 15) * 4 + 13]! & SYN) !== 0;
}

/** Where the TCP header of a packet with SYN is, 0 for any other packet. */
function synAt(view: DataView, packet: number, length: number): number {
  const first = view.getUint8(packet);
  const isIpv4 = first >>> 4 === 4;
  if (view.getUint8(packet + (isIpv4 ? 9 : 6)) !== TCP) return 0;
  const ipBytes = isIpv4 ? (first & 15) * 4 : 40;
  if (ipBytes < 20 || ipBytes + TCP_HEADER_BYTES > length) return 0;
  const tcp = packet + ipBytes;
  if ((view.getUint8(tcp + 13) & SYN) === 0) return 0;
  const isLaterFragment = isIpv4 && (view.getUint16(packet + 6) & 0x1fff) !== 0;
  return isLaterFragment ? 0 : tcp;
}

function lower(view: DataView, tcp: number, field: number, most: number): void {
  const before = view.getUint16(field);
  if (before <= most) return;
  view.setUint16(field, most);
  // Behind an odd number of bytes its halves belong to two words of the sum, each as the other one's half.
  const isOdd = ((field - tcp) & 1) === 1;
  updateChecksum(view, tcp + 16, isOdd ? swapped(before) : before, isOdd ? swapped(most) : most);
}

function swapped(word: number): number {
  return ((word & 0xff) << 8) | (word >>> 8);
}
