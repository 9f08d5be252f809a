import { x25519 as curve } from "@noble/curves/ed25519.js";

/** Curve25519 (RFC 7748) on 32-byte arrays. */
export interface X25519 {
  publicKey(privateKey: Uint8Array): Uint8Array;
  /** Undefined for a public key of low order, which would give a secret everybody knows. */
  sharedSecret(privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array | undefined;
}

export const x25519: X25519 = {
  publicKey: (privateKey) => curve.getPublicKey(privateKey),
  sharedSecret(privateKey, publicKey) {
    try {
      return curve.getSharedSecret(privateKey, publicKey);
    } catch {
      return undefined;
    }
  },
};
