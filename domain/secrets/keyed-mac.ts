import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { utf8ToBytes } from "@noble/hashes/utils.js";

export type Purpose = "auth-key" | "node-key" | "machine-token" | "relay-ticket" | "login-nonce" | "login-verifier";

type Mac = ReturnType<typeof hmac.create>;

const cache = new WeakMap<Uint8Array, Map<Purpose, Mac>>();

/** HMAC-SHA256 under a key for one purpose, derived from the 32-byte root secret so that no two purposes share one. */
export function macFor(root: Uint8Array, purpose: Purpose, message: Uint8Array): Uint8Array {
  return keyedMac(root, purpose).clone().update(message).digest();
}

/** Keyed once: half of a short HMAC's work is its key. */
function keyedMac(root: Uint8Array, purpose: Purpose): Mac {
  const known = cache.get(root) ?? new Map<Purpose, Mac>();
  cache.set(root, known);
  const mac = known.get(purpose) ?? hmac.create(sha256, hmac(sha256, root, utf8ToBytes(`ztna ${purpose} v1`)));
  known.set(purpose, mac);
  return mac;
}

/** Compares without telling by time where the difference is. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ b[i]!;
  return difference === 0;
}
