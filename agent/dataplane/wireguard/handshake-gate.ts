import { type DropReason, isIpv4, type Source } from "../link.ts";
import { CookieIssuer } from "./cookies.ts";
import { hasMac1, type Identity } from "./handshake.ts";

export type Admission =
  | { readonly verdict: "take" }
  | { readonly verdict: "drop"; readonly reason: DropReason }
  /** Not taken; `reply` goes back to where the message came from. */
  | { readonly verdict: "cookie"; readonly reply: Uint8Array };

/** Handshake messages per second beyond which an address must prove itself: about a tenth of one core. */
const LOAD_PER_S = 250;
const WINDOW_MS = 1_000;
/** A cookie costs ten times what it takes to see that none came. */
const MOST_REPLIES_PER_S = 1_000;
/** What one proven address may send under load: wireguard-go's limits. */
const SOURCE_PER_S = 20;
const SOURCE_BURST = 5;
const MOST_SOURCES = 4096;

/**
 * What happens to an initiation or response before anything dear is done for it (whitepaper 5.3): a wrong `mac1` is
 * dropped; under load a message over UDP needs a cookie, and its address must not send too many.
 */
export class HandshakeGate {
  readonly #self: Identity;
  readonly #cookies: CookieIssuer;
  readonly #sources = new Map<string, { tokens: number; at: number }>();
  #windowAt = -Infinity;
  #count = 0;
  #countBefore = 0;
  /** Cookies given in this window. */
  #replies = 0;

  constructor(self: Identity, randomBytes: (size: number) => Uint8Array) {
    this.#self = self;
    this.#cookies = new CookieIssuer(self.key.publicKey, randomBytes);
  }

  admit(message: Uint8Array, source: Source, now: number): Admission {
    if (!hasMac1(this.#self, message)) return { verdict: "drop", reason: "handshake.mac1" };
    // The relay vouches for who sends, and limits it.
    if (!this.#underLoad(now) || source.via === "relay") return { verdict: "take" };
    const { endpoint } = source;
    if (!this.#cookies.accepts(message, endpoint, now)) {
      if (this.#replies++ >= MOST_REPLIES_PER_S) return { verdict: "drop", reason: "handshake.under_load" };
      return { verdict: "cookie", reply: this.#cookies.reply(message, endpoint, now) };
    }
    const allowed = this.#takeToken(networkOf(endpoint.address), now);
    return allowed ? { verdict: "take" } : { verdict: "drop", reason: "handshake.rate_limited" };
  }

  /** Counts this message too; load lasts until a whole second was quiet. */
  #underLoad(now: number): boolean {
    if (now - this.#windowAt >= WINDOW_MS) {
      this.#countBefore = now - this.#windowAt < 2 * WINDOW_MS ? this.#count : 0;
      this.#count = this.#replies = 0;
      this.#windowAt = now;
    }
    this.#count++;
    return this.#count > LOAD_PER_S || this.#countBefore > LOAD_PER_S;
  }

  #takeToken(key: string, now: number): boolean {
    if (this.#sources.size >= MOST_SOURCES) this.#sources.clear();
    const { tokens, at } = this.#sources.get(key) ?? { tokens: SOURCE_BURST, at: now };
    const filled = Math.min(SOURCE_BURST, tokens + ((now - at) * SOURCE_PER_S) / 1000);
    this.#sources.set(key, { tokens: filled < 1 ? filled : filled - 1, at: now });
    return filled >= 1;
  }
}

/** An IPv4 address, or the /64 of an IPv6 one: who has one address of it has all. */
function networkOf(address: Uint8Array): string {
  return (isIpv4(address) ? address : address.subarray(0, 8)).toHex();
}
