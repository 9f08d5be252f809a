import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { utf8ToBytes } from "@noble/hashes/utils.js";

export type Purpose = "auth-key" | "node-key" | "machine-token" | "relay-ticket";

const cache = new WeakMap<Uint8Array, Map<Purpose, Uint8Array>>();

/** A 32-byte key for one purpose, derived from the root secret so that no two purposes share one. */
export function derivedKey(root: Uint8Array, purpose: Purpose): Uint8Array {
  const known = cache.get(root) ?? new Map<Purpose, Uint8Array>();
  cache.set(root, known);
  const key = known.get(purpose) ?? hmac(sha256, root, utf8ToBytes(`ztna ${purpose} v1`));
  known.set(purpose, key);
  return key;
}

/** Compares without telling by time where the difference is. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ b[i]!;
  return difference === 0;
}
