import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, hexToBytes, utf8ToBytes } from "@noble/hashes/utils.js";
import { equalBytes, macFor } from "./keyed-mac.ts";

type Purpose = "auth-key" | "node-key";

/**
 * A secret that says which org it belongs to: 64 hex digits of
 *   random 20 | routing tag 8 | HMAC-SHA256(key of the purpose, tag) cut to 4
 * so that a made-up one is refused without a look at any database or object.
 */
export const RANDOM_BYTES = 20;
const TAG_BYTES = 8;
const MAC_BYTES = 4;

export function mintRoutedSecret(root: Uint8Array, purpose: Purpose, tag: string, random: Uint8Array): string {
  const tagBytes = hexToBytes(tag);
  return bytesToHex(random) + tag + bytesToHex(routingMac(root, purpose, tagBytes));
}

/** The routing tag inside, or undefined when the text is not a secret that this deploy made. */
export function routingTagOf(root: Uint8Array, purpose: Purpose, secret: string): string | undefined {
  if (!/^[0-9a-f]{64}$/.test(secret)) return undefined;
  const tag = secret.slice(2 * RANDOM_BYTES, 2 * (RANDOM_BYTES + TAG_BYTES));
  const mac = hexToBytes(secret.slice(2 * (RANDOM_BYTES + TAG_BYTES)));
  return equalBytes(mac, routingMac(root, purpose, hexToBytes(tag))) ? tag : undefined;
}

/** What is stored instead of a secret: the SHA-256 of its 64 hex digits, in hex. */
export function secretHash(secret: string): string {
  return bytesToHex(sha256(utf8ToBytes(secret)));
}

function routingMac(root: Uint8Array, purpose: Purpose, tag: Uint8Array): Uint8Array {
  return macFor(root, purpose, tag).subarray(0, MAC_BYTES);
}
