import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, hexToBytes, utf8ToBytes } from "@noble/hashes/utils.js";
import type { RelayTicket } from "#protocol/netmap.ts";

/*
 * A ticket is hex of: version u8 = 1 | org routing tag 8 | WireGuard key 32 | expiry in seconds u48 big endian | MAC 16.
 * The MAC is HMAC-SHA256 over what stands before it, cut to 16 bytes, under a key of its own derived from the root secret.
 */
const VERSION = 1;
const TAG_AT = 1;
const KEY_AT = 9;
const EXPIRY_AT = 41;
const MAC_AT = 47;
const TICKET_BYTES = 63;
const form = new RegExp(`^[0-9a-f]{${2 * TICKET_BYTES}}$`);

/** What a ticket admits: one WireGuard key to the relays of one org. `expiresAt` in milliseconds. */
export interface Admission {
  /** The org's routing tag, 16 hex digits. */
  readonly orgTag: string;
  /** The 32 bytes of the WireGuard public key. */
  readonly key: Uint8Array;
  readonly expiresAt: number;
}

/** Signs a ticket under the deploy's root secret. Expiry is rounded down to whole seconds. */
export function signRelayTicket(secret: Uint8Array, { orgTag, key, expiresAt }: Admission): RelayTicket {
  const seconds = Math.floor(expiresAt / 1000);
  const bytes = new Uint8Array(TICKET_BYTES);
  bytes[0] = VERSION;
  bytes.set(hexToBytes(orgTag), TAG_AT);
  bytes.set(key, KEY_AT);
  const view = new DataView(bytes.buffer);
  view.setUint16(EXPIRY_AT, Math.floor(seconds / 2 ** 32));
  view.setUint32(EXPIRY_AT + 2, seconds % 2 ** 32);
  bytes.set(macOf(secret, bytes), MAC_AT);
  return { ticket: bytesToHex(bytes), expires_at: new Date(seconds * 1000).toISOString() };
}

/** What the ticket admits, or undefined when it is not one of ours or no longer valid at `now` (milliseconds). */
export function verifyRelayTicket(secret: Uint8Array, ticket: string, now: number): Admission | undefined {
  if (!form.test(ticket)) return undefined;
  const bytes = hexToBytes(ticket);
  if (bytes[0] !== VERSION || !equal(bytes.subarray(MAC_AT), macOf(secret, bytes))) return undefined;
  const view = new DataView(bytes.buffer);
  const expiresAt = (view.getUint16(EXPIRY_AT) * 2 ** 32 + view.getUint32(EXPIRY_AT + 2)) * 1000;
  if (expiresAt <= now) return undefined;
  return { orgTag: bytesToHex(bytes.subarray(TAG_AT, KEY_AT)), key: bytes.slice(KEY_AT, EXPIRY_AT), expiresAt };
}

function macOf(secret: Uint8Array, ticket: Uint8Array): Uint8Array {
  const key = hmac(sha256, secret, utf8ToBytes("ztna relay ticket v1"));
  return hmac(sha256, key, ticket.subarray(0, MAC_AT)).subarray(0, TICKET_BYTES - MAC_AT);
}

/** Takes the same time wherever two MACs differ. */
function equal(a: Uint8Array, b: Uint8Array): boolean {
  let difference = a.length ^ b.length;
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ b[i]!;
  return difference === 0;
}
