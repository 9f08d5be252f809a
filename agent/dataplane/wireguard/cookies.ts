import { xchacha20poly1305 } from "@noble/ciphers/chacha.js";
import { utf8ToBytes } from "@noble/hashes/utils.js";
import type { Endpoint } from "../link.ts";
import { hash, mac, MAC_BYTES } from "./blake2s.ts";
import { COOKIE_REPLY_BYTES, CookieReply, MessageType } from "./messages.ts";

/** Cookies (whitepaper 5.4.7): what a responder under load asks for before it spends a Diffie-Hellman on an address. */

const LABEL_COOKIE = utf8ToBytes("cookie--");
const NONCE_BYTES = 24;
/** How long a cookie is good for on either side, in milliseconds. */
export const COOKIE_MS = 120_000;

/** The responder's side: hands out cookies that prove who can receive at an address, and checks them. */
export class CookieIssuer {
  readonly #sealingKey: Uint8Array;
  readonly #randomBytes: (size: number) => Uint8Array;
  #secret = new Uint8Array(0);
  #secretAt = -Infinity;

  constructor(publicKey: Uint8Array, randomBytes: (size: number) => Uint8Array) {
    this.#sealingKey = sealingKey(publicKey);
    this.#randomBytes = randomBytes;
  }

  /** True when the message's `mac2` was made with the cookie of its source. */
  accepts(message: Uint8Array, source: Endpoint, now: number): boolean {
    const mac2 = message.length - MAC_BYTES;
    const expected = mac(this.#cookie(source, now), message.subarray(0, mac2));
    let difference = 0;
    for (let at = 0; at < MAC_BYTES; at++) difference |= expected[at]! ^ message[mac2 + at]!;
    return difference === 0;
  }

  /** The answer to an initiation or response without a good `mac2`. */
  reply(message: Uint8Array, source: Endpoint, now: number): Uint8Array {
    const bytes = new Uint8Array(COOKIE_REPLY_BYTES);
    const nonce = this.#randomBytes(NONCE_BYTES);
    const mac1 = message.subarray(message.length - 2 * MAC_BYTES, message.length - MAC_BYTES);
    bytes[0] = MessageType.cookieReply;
    bytes.set(message.subarray(4, 8), CookieReply.receiver);
    bytes.set(nonce, CookieReply.nonce);
    const sealed = xchacha20poly1305(this.#sealingKey, nonce, mac1).encrypt(this.#cookie(source, now));
    bytes.set(sealed, CookieReply.cookie);
    return bytes;
  }

  #cookie({ address, port }: Endpoint, now: number): Uint8Array {
    if (now - this.#secretAt >= COOKIE_MS) {
      this.#secret = new Uint8Array(this.#randomBytes(32));
      this.#secretAt = now;
    }
    return mac(this.#secret, address, Uint8Array.of(port >>> 8, port & 0xff));
  }
}

/** The sender's side: the cookie one peer gave us, and the message it may be an answer to. */
export class CookieJar {
  readonly #peerKey: Uint8Array;
  #cookie: Uint8Array | undefined;
  #cookieAt = -Infinity;
  #lastMac1: Uint8Array | undefined;

  constructor(peerPublicKey: Uint8Array) {
    this.#peerKey = peerPublicKey;
  }

  /** Writes `mac2` into a finished initiation or response (5.4.4) and remembers its `mac1`. */
  stamp(message: Uint8Array, now: number): void {
    const mac2 = message.length - MAC_BYTES;
    this.#lastMac1 = message.slice(mac2 - MAC_BYTES, mac2);
    if (this.#cookie === undefined || now - this.#cookieAt >= COOKIE_MS) return;
    message.set(mac(this.#cookie, message.subarray(0, mac2)), mac2);
  }

  /** Takes the cookie out of a reply to the last stamped message; false when it is none. */
  open(reply: Uint8Array, now: number): boolean {
    if (this.#lastMac1 === undefined) return false;
    const nonce = reply.subarray(CookieReply.nonce, CookieReply.cookie);
    try {
      const cipher = xchacha20poly1305(sealingKey(this.#peerKey), nonce, this.#lastMac1);
      this.#cookie = cipher.decrypt(reply.subarray(CookieReply.cookie));
    } catch {
      return false;
    }
    this.#cookieAt = now;
    // One reply per message: a second one would be a replay.
    this.#lastMac1 = undefined;
    return true;
  }
}

function sealingKey(publicKey: Uint8Array): Uint8Array {
  return hash(LABEL_COOKIE, publicKey);
}
