/** Readers of IP packets (RFC 791, RFC 8200) that lie in the arena. Total: hostile bytes give 0 or undefined. */

export const IPV4_DESTINATION = 16;
export const IPV4_SOURCE = 12;
export const IPV6_DESTINATION = 24;
export const IPV6_SOURCE = 8;

/** 4 or 6 for a packet whose header fits into `length` bytes, else 0. */
export function ipVersion(bytes: Uint8Array, offset: number, length: number): 4 | 6 | 0 {
  const version = length === 0 ? 0 : bytes[offset]! >>> 4;
  if (version === 4) return length >= IPV4_HEADER_BYTES ? 4 : 0;
  return version === 6 && length >= IPV6_HEADER_BYTES ? 6 : 0;
}

/** Length of the packet by its own header, or 0 when that is longer than `length` (padding makes it shorter). */
export function innerLength(view: DataView, version: 4 | 6, offset: number, length: number): number {
  const own = version === 4 ? view.getUint16(offset + 2) : view.getUint16(offset + 4) + IPV6_HEADER_BYTES;
  return own <= length && own >= (version === 4 ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES) ? own : 0;
}

/** The sequence number of an ICMPv4 echo reply with this identifier (RFC 792), else undefined. */
export function echoReplySequence(view: DataView, offset: number, length: number, id: number): number | undefined {
  if (view.getUint8(offset + 9) !== ICMP) return undefined;
  const icmp = (view.getUint8(offset) & 0x0f) * 4;
  if (icmp < IPV4_HEADER_BYTES || icmp + ICMP_HEADER_BYTES > length) return undefined;
  if (view.getUint16(offset + icmp) !== ECHO_REPLY || view.getUint16(offset + icmp + 4) !== id) return undefined;
  return view.getUint16(offset + icmp + 6);
}

const IPV4_HEADER_BYTES = 20;
const IPV6_HEADER_BYTES = 40;
const ICMP = 1;
const ICMP_HEADER_BYTES = 8;
/** Type 0, code 0. */
const ECHO_REPLY = 0;
