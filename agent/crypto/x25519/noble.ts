import { x25519 as curve } from "@noble/curves/ed25519.js";
import type { X25519, X25519Key } from "../engine.ts";

/** The reference: no native code. */
export const nobleX25519: X25519 = { name: "noble", createKey: (privateKey) => new NobleKey(privateKey) };

class NobleKey implements X25519Key {
  readonly publicKey: Uint8Array;
  readonly #privateKey: Uint8Array;

  constructor(privateKey: Uint8Array) {
    this.#privateKey = privateKey.slice();
    this.publicKey = curve.getPublicKey(privateKey);
  }

  sharedSecret(publicKey: Uint8Array): Uint8Array | undefined {
    try {
      return curve.getSharedSecret(this.#privateKey, publicKey);
    } catch {
      return undefined;
    }
  }

  destroy(): void {
    this.#privateKey.fill(0);
  }
}
