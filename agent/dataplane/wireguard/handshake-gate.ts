import { type DropReason, type Endpoint, isIpv4, type Source } from "../link.ts";
import { MAC_BYTES } from "./blake2s.ts";
import { CookieIssuer } from "./cookies.ts";
import { hasMac1, macKeyOf } from "./mac1.ts";

export type Admission =
  | { readonly verdict: "take" }
  | { readonly verdict: "drop"; readonly reason: DropReason }
  /** Not taken; `reply` goes back to where the message came from. */
  | { readonly verdict: "cookie"; readonly reply: Uint8Array };

export interface HandshakeGateOptions {
  /** This machine's. */
  readonly publicKey: Uint8Array;
  readonly randomBytes: (size: number) => Uint8Array;
  /** Where peers are reached at the moment. */
  readonly peerEndpoints: () => Iterable<Endpoint>;
}

/** Handshake messages per second beyond which an address must prove itself: about a tenth of one core. */
const LOAD_PER_S = 250;
const WINDOW_MS = 1_000;
/** A cookie costs fifty times what it takes to see that none came. */
const MOST_REPLIES_PER_S = 500;
/** For addresses of peers: whoever floods from others must not keep sessions from being renewed. */
const MOST_PEER_REPLIES_PER_S = 250;
/** What one proven address may send under load: wireguard-go's limits. */
const SOURCE_PER_S = 20;
const SOURCE_BURST = 5;
const MOST_SOURCES = 4096;

/**
 * What happens to an initiation or response before anything dear is done for it (whitepaper 5.3): a wrong `mac1` is
 * dropped; under load a message over UDP needs a cookie, and its address must not send too many.
 */
export class HandshakeGate {
  readonly #macKey: Uint8Array;
  readonly #cookies: CookieIssuer;
  readonly #peerEndpoints: () => Iterable<Endpoint>;
  readonly #sources = new Map<string, { tokens: number; at: number }>();
  #windowAt = -Infinity;
  #count = 0;
  #countBefore = 0;
  /** Cookies that may still be given in this window: to strangers, and to addresses of peers. */
  #replies = MOST_REPLIES_PER_S;
  #peerReplies = MOST_PEER_REPLIES_PER_S;
  /** Keys of the peers' endpoints as of this window; empty until there is load. */
  #peers: ReadonlySet<number> = new Set();

  constructor({ publicKey, randomBytes, peerEndpoints }: HandshakeGateOptions) {
    this.#macKey = macKeyOf(publicKey);
    this.#cookies = new CookieIssuer(publicKey, randomBytes);
    this.#peerEndpoints = peerEndpoints;
  }

  admit(message: Uint8Array, source: Source, now: number): Admission {
    if (now - this.#windowAt >= WINDOW_MS) this.#turnWindow(now);
    // In a flood most messages end here, before anything is hashed.
    const mayPass = source.via === "relay" || carriesCookie(message) || this.#mayAsk(source.endpoint);
    if (!mayPass) {
      this.#count++;
      return UNDER_LOAD;
    }
    if (!hasMac1(this.#macKey, message)) return WRONG_MAC1;
    this.#count++;
    if (this.#count === LOAD_PER_S) this.#learnPeers();
    // The relay vouches for who sends, and limits it.
    if (source.via === "relay" || !this.#isUnderLoad()) return TAKE;
    const { endpoint } = source;
    if (carriesCookie(message) && this.#cookies.accepts(message, endpoint, now)) {
      return this.#takeToken(networkOf(endpoint.address), now) ? TAKE : RATE_LIMITED;
    }
    if (!this.#mayAsk(endpoint)) return UNDER_LOAD;
    if (this.#isPeer(endpoint)) this.#peerReplies--;
    else this.#replies--;
    return { verdict: "cookie", reply: this.#cookies.reply(message, endpoint, now) };
  }

  #turnWindow(now: number): void {
    this.#countBefore = now - this.#windowAt < 2 * WINDOW_MS ? this.#count : 0;
    this.#count = 0;
    this.#windowAt = now;
    this.#replies = MOST_REPLIES_PER_S;
    this.#peerReplies = MOST_PEER_REPLIES_PER_S;
    if (this.#isUnderLoad()) this.#learnPeers();
  }

  #learnPeers(): void {
    this.#peers = new Set(Array.from(this.#peerEndpoints(), keyOf));
  }

  /** Load lasts until a whole second was quiet. */
  #isUnderLoad(): boolean {
    return this.#count > LOAD_PER_S || this.#countBefore > LOAD_PER_S;
  }

  #mayAsk(endpoint: Endpoint): boolean {
    return this.#replies > 0 || (this.#peerReplies > 0 && this.#isPeer(endpoint));
  }

  #isPeer(endpoint: Endpoint): boolean {
    return this.#peers.has(keyOf(endpoint));
  }

  #takeToken(key: string, now: number): boolean {
    if (this.#sources.size >= MOST_SOURCES) this.#sources.clear();
    const { tokens, at } = this.#sources.get(key) ?? { tokens: SOURCE_BURST, at: now };
    const filled = Math.min(SOURCE_BURST, tokens + ((now - at) * SOURCE_PER_S) / 1000);
    this.#sources.set(key, { tokens: filled < 1 ? filled : filled - 1, at: now });
    return filled >= 1;
  }
}

const TAKE: Admission = { verdict: "take" };
const UNDER_LOAD: Admission = { verdict: "drop", reason: "handshake.under_load" };
const WRONG_MAC1: Admission = { verdict: "drop", reason: "handshake.mac1" };
const RATE_LIMITED: Admission = { verdict: "drop", reason: "handshake.rate_limited" };

/** `mac2` is zero where there was no cookie to make it with. */
function carriesCookie(message: Uint8Array): boolean {
  for (let at = message.length - MAC_BYTES; at < message.length; at++) if (message[at] !== 0) return true;
  return false;
}

/** One number for an endpoint, exact for IPv4; two that share one cost a stranger's cookie at most. */
function keyOf({ address, port }: Endpoint): number {
  let key = 0;
  for (let at = 0; at < 16; at += 2) key = (Math.imul(key, 0x1_0001) ^ ((address[at]! << 8) | address[at + 1]!)) >>> 0;
  return key * 65_536 + port;
}

/** An IPv4 address, or the /64 of an IPv6 one: who has one address of it has all. */
function networkOf(address: Uint8Array): string {
  return (isIpv4(address) ? address : address.subarray(0, 8)).toHex();
}
