import { chacha20poly1305 } from "@noble/ciphers/chacha.js";
import { type AeadEngine, type AeadKey, type Arena, TAG_BYTES } from "../engine.ts";

/** The reference engine: no native code, and the one every other is checked against. */
export function nobleEngine({ bytes }: Arena): AeadEngine {
  return { name: "noble", prepare: (key) => new NobleKey(bytes, key) };
}

class NobleKey implements AeadKey {
  readonly #arena: Uint8Array;
  readonly #key: Uint8Array;
  readonly #nonce = new Uint8Array(12);
  readonly #nonceView = new DataView(this.#nonce.buffer);

  constructor(arena: Uint8Array, key: Uint8Array) {
    this.#arena = arena;
    this.#key = key.slice();
  }

  seal(counter: number, source: number, length: number, target: number): void {
    const plain = this.#arena.slice(source, source + length);
    this.#arena.set(this.#cipher(counter).encrypt(plain), target);
  }

  open(counter: number, source: number, length: number, target: number): boolean {
    if (length < TAG_BYTES) return false;
    try {
      this.#arena.set(this.#cipher(counter).decrypt(this.#arena.slice(source, source + length)), target);
      return true;
    } catch {
      return false;
    }
  }

  destroy(): void {
    this.#key.fill(0);
  }

  #cipher(counter: number) {
    this.#nonceView.setUint32(4, counter >>> 0, true);
    this.#nonceView.setUint32(8, Math.floor(counter / 2 ** 32), true);
    return chacha20poly1305(this.#key, this.#nonce);
  }
}
