/** The one's complement sum of 16-bit words at an offset (RFC 1071), folded, and not inverted; see `sumWords`. */
export type Sum = (offset: number, length: number, initial: number) => number;

/**
 * The Internet checksum (RFC 1071): the one's complement sum of 16-bit words, folded to 16 bits and not yet inverted.
 * An odd last byte counts as the high half of a word.
 */
export function sumWords(view: DataView, offset: number, length: number, initial: number): number {
  let sum = initial;
  let at = offset;
  // 2^32 and 2^16 are both 1 in this arithmetic: whole 32-bit words may be added, exactly up to 2^53.
  for (const end = offset + (length & ~7); at < end; at += 8) sum += view.getUint32(at) + view.getUint32(at + 4);
  for (const end = offset + (length & ~1); at < end; at += 2) sum += view.getUint16(at);
  if ((length & 1) === 1) sum += view.getUint8(at) << 8;
  return fold(sum);
}

/** The part of a TCP or UDP checksum that covers the addresses, the protocol and the length (RFC 9293 3.1, RFC 8200 8.1). */
export function sumPseudoHeader(
  sum: Sum,
  ip: number,
  version: 4 | 6,
  protocol: number,
  transportBytes: number,
): number {
  return version === 4 ? sum(ip + 12, 8, protocol + transportBytes) : sum(ip + 8, 32, protocol + transportBytes);
}

/** Corrects the checksum at `field` for one word of what it covers (RFC 1624, equation 3). A wrong one stays wrong. */
export function updateChecksum(view: DataView, field: number, before: number, after: number): void {
  const sum = (~view.getUint16(field) & 0xffff) + (~before & 0xffff) + after;
  const folded = (sum & 0xffff) + (sum >>> 16);
  view.setUint16(field, ~((folded & 0xffff) + (folded >>> 16)));
}

function fold(sum: number): number {
  const high = Math.floor(sum / 2 ** 32);
  let folded = (sum >>> 16 & 0xffff) + (sum & 0xffff) + (high & 0xffff) + (high >>> 16);
  folded = (folded & 0xffff) + (folded >>> 16);
  return (folded & 0xffff) + (folded >>> 16);
}
