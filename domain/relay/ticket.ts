import { bytesToHex, hexToBytes, utf8ToBytes } from "@noble/hashes/utils.js";
import { equalBytes, macFor } from "../secrets/keyed-mac.ts";

/** What a ticket admits: one WireGuard key to the relays of one org. */
export interface TicketClaims {
  /** Routing tag of the org. */
  readonly tag: string;
  /** WireGuard public key of the bearer, 64 hex digits. */
  readonly key: string;
  /** Milliseconds. */
  readonly expiresAt: number;
}

const form = /^(v1\.([0-9a-f]{16})\.([0-9a-f]{64})\.([0-9a-z]{1,10}))\.([0-9a-f]{64})$/;

/** `v1.<tag>.<key>.<expiry ms in base 36>.<HMAC-SHA256 in hex>` */
export function signRelayTicket(root: Uint8Array, claims: TicketClaims): string {
  const text = `v1.${claims.tag}.${claims.key}.${Math.floor(claims.expiresAt).toString(36)}`;
  return `${text}.${bytesToHex(mac(root, text))}`;
}

/** The claims, or undefined when the ticket is not one of ours or no longer valid at `now` (milliseconds). */
export function verifyRelayTicket(root: Uint8Array, ticket: string, now: number): TicketClaims | undefined {
  const parts = form.exec(ticket);
  if (parts === null || !equalBytes(hexToBytes(parts[5]!), mac(root, parts[1]!))) return undefined;
  const expiresAt = Number.parseInt(parts[4]!, 36);
  return expiresAt > now ? { tag: parts[2]!, key: parts[3]!, expiresAt } : undefined;
}

function mac(root: Uint8Array, text: string): Uint8Array {
  return macFor(root, "relay-ticket", utf8ToBytes(text));
}
