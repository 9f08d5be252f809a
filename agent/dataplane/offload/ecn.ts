import { updateChecksum } from "./checksum.ts";

/**
 * Explicit congestion notification through a tunnel (RFC 6040, normal mode): what the inner packet says goes on the
 * outer one, and what routers on the way put on the outer one comes back into the inner one. DSCP stays inside.
 */

/** The two bits of an IP header (RFC 3168, 5). */
export const Ecn = { notCapable: 0, capable1: 1, capable0: 2, congestion: 3 } as const;

export function ecnOf(view: DataView, packet: number): number {
  const isIpv4 = view.getUint8(packet) >>> 4 === 4;
  return isIpv4 ? view.getUint8(packet + 1) & 3 : (view.getUint8(packet + 1) >>> 4) & 3;
}

/** What the inner packet is to say (RFC 6040, figure 4), or undefined when it must be dropped. */
export function combineEcn(inner: number, outer: number): number | undefined {
  if (outer === Ecn.congestion) return inner === Ecn.notCapable ? undefined : Ecn.congestion;
  return outer === Ecn.capable1 && inner === Ecn.capable0 ? Ecn.capable1 : inner;
}

/** Changes the bits, and with them IPv4's header checksum. */
export function setEcn(view: DataView, packet: number, ecn: number): void {
  const byte = view.getUint8(packet + 1);
  if (view.getUint8(packet) >>> 4 !== 4) return view.setUint8(packet + 1, (byte & 0xcf) | (ecn << 4));
  const before = view.getUint16(packet);
  view.setUint8(packet + 1, (byte & 0xfc) | ecn);
  updateChecksum(view, packet + 10, before, view.getUint16(packet));
}
