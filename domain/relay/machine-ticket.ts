import type { RelayTicket } from "#protocol/netmap.ts";
import { signRelayTicket } from "./ticket.ts";

/** Admission to the relays of the org with this routing tag, for one WireGuard key in base64. `now` in milliseconds. */
export function relayTicketFor(
  root: Uint8Array,
  tag: string,
  publicKey: string,
  now: number,
  lifetimeS: number,
): RelayTicket {
  const key = Array.from(atob(publicKey), (char) => char.charCodeAt(0).toString(16).padStart(2, "0")).join("");
  const expiresAt = now + lifetimeS * 1000;
  const ticket = signRelayTicket(root, { tag, key, expiresAt });
  return { ticket, expires_at: new Date(expiresAt).toISOString(), expires_in: lifetimeS };
}
