/** The bytes of a key in base64; an empty array for what is no base64. */
export function bytesOfKey(base64: string): Uint8Array {
  try {
    return Uint8Array.fromBase64(base64);
  } catch {
    return new Uint8Array();
  }
}

/** A WireGuard key in base64 as the 64 hex digits that people see as the node key. */
export function hexOfKey(base64: string): string {
  return bytesOfKey(base64).toHex();
}
