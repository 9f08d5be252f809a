import type { NetworkPrefix } from "./network.ts";

/** Those of `wanted` that are not in `present`. */
export function missing(wanted: readonly NetworkPrefix[], present: readonly NetworkPrefix[]): NetworkPrefix[] {
  const known = new Set(present.map(prefixText));
  return wanted.filter((prefix) => !known.has(prefixText(prefix)));
}

/** For people: IPv6 is not shortened. */
export function prefixText({ address, bits }: NetworkPrefix): string {
  if (address.length === 4) return `${address.join(".")}/${bits}`;
  const view = new DataView(address.buffer, address.byteOffset, 16);
  const groups = Array.from({ length: 8 }, (_, at) => view.getUint16(at * 2).toString(16));
  return `${groups.join(":")}/${bits}`;
}
