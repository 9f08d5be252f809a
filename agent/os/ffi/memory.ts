/** Where bytes lie for the system. They must not be collected while it may use them. */
export function addressOf(bytes: Uint8Array<ArrayBufferLike>): bigint {
  // Deno's type wants a plain ArrayBuffer; the shared one of an arena has an address as well.
  return Deno.UnsafePointer.value(Deno.UnsafePointer.of(bytes as Uint8Array<ArrayBuffer>));
}
