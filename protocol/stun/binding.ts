/**
 * Binding of STUN (RFC 8489): a request, and an answer that says at which address the request was seen.
 *
 * ```
 * header     type u16 · length of the rest u16 · cookie u32 · transaction 12 bytes
 * attribute  type u16 · length u16 · value, filled up to 4 bytes
 * address    zero u8 · family u8 · port u16 · 4 bytes of IPv4
 * ```
 */
const HEADER_BYTES = 20;
const COOKIE = 0x2112_a442;
const REQUEST = 0x0001;
const RESPONSE = 0x0101;
const MAPPED_ADDRESS = 0x0001;
const XOR_MAPPED_ADDRESS = 0x0020;
const IPV4 = 1;

export const STUN_PORT = 3478;
export const TRANSACTION_BYTES = 12;

/** An IPv4 address and a port, as others see them. */
export interface MappedAddress {
  readonly address: string;
  readonly port: number;
}

/** A request without attributes. */
export function writeBindingRequest(transaction: Uint8Array): Uint8Array {
  const out = new Uint8Array(HEADER_BYTES);
  const view = new DataView(out.buffer);
  view.setUint16(0, REQUEST);
  view.setUint32(4, COOKIE);
  out.set(transaction.subarray(0, TRANSACTION_BYTES), 8);
  return out;
}

/** The address in the answer to this transaction; undefined for anything else. */
export function readBindingResponse(bytes: Uint8Array, transaction: Uint8Array): MappedAddress | undefined {
  if (bytes.length < HEADER_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (view.getUint16(0) !== RESPONSE || view.getUint32(4) !== COOKIE) return undefined;
  if (transaction.some((byte, i) => bytes[8 + i] !== byte)) return undefined;
  return readAddress(view, Math.min(bytes.length, HEADER_BYTES + view.getUint16(2)));
}

function readAddress(view: DataView, end: number): MappedAddress | undefined {
  let plain: MappedAddress | undefined;
  for (let at = HEADER_BYTES; at + 4 <= end;) {
    const type = view.getUint16(at);
    const length = view.getUint16(at + 2);
    if (at + 4 + length > end) return plain;
    const isIpv4 = length >= 8 && view.getUint8(at + 5) === IPV4;
    if (isIpv4 && type === XOR_MAPPED_ADDRESS) return addressAt(view, at + 4, COOKIE);
    if (isIpv4 && type === MAPPED_ADDRESS) plain = addressAt(view, at + 4, 0);
    at += 4 + Math.ceil(length / 4) * 4;
  }
  return plain;
}

function addressAt(view: DataView, at: number, mask: number): MappedAddress {
  const address = view.getUint32(at + 4) ^ mask;
  return {
    address: [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join("."),
    port: view.getUint16(at + 2) ^ (mask >>> 16),
  };
}
