import type { Endpoint, Path } from "../link.ts";

/** Costs no allocation: it runs once per packet. */
export function isSameEndpoint(a: Endpoint, b: Endpoint): boolean {
  if (a === b) return true;
  if (a.port !== b.port) return false;
  // Most addresses differ at their end.
  for (let i = 15; i >= 0; i--) if (a.address[i] !== b.address[i]) return false;
  return true;
}

export function isSamePath(a: Path, b: Path): boolean {
  if (a.via === "udp") return b.via === "udp" && isSameEndpoint(a.endpoint, b.endpoint);
  return a.via === b.via;
}
