import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, hexToBytes, utf8ToBytes } from "@noble/hashes/utils.js";
import { derivedKey, equalBytes } from "../secrets/derived-key.ts";

export interface TicketClaims {
  /** Routing tag of the org. */
  readonly tag: string;
  /** WireGuard public key of the bearer, 64 hex digits. */
  readonly key: string;
  /** Milliseconds. */
  readonly expiresAt: number;
}

/** `v1.<tag>.<key>.<expiry ms in base 36>.<HMAC-SHA256 in hex>` */
export function signRelayTicket(root: Uint8Array, claims: TicketClaims): string {
  const text = `v1.${claims.tag}.${claims.key}.${Math.floor(claims.expiresAt).toString(36)}`;
  return `${text}.${bytesToHex(mac(root, text))}`;
}

export function verifyRelayTicket(root: Uint8Array, ticket: string, now: number): TicketClaims | undefined {
  const parts = /^(v1\.([0-9a-f]{16})\.([0-9a-f]{64})\.([0-9a-z]{1,11}))\.([0-9a-f]{64})$/.exec(ticket);
  if (parts === null) return undefined;
  const [, text, tag, key, expiry, given] = parts as unknown as [string, string, string, string, string, string];
  const expiresAt = Number.parseInt(expiry, 36);
  if (!equalBytes(hexToBytes(given), mac(root, text)) || expiresAt <= now) return undefined;
  return { tag, key, expiresAt };
}

function mac(root: Uint8Array, text: string): Uint8Array {
  return hmac(sha256, derivedKey(root, "relay-ticket"), utf8ToBytes(text));
}
