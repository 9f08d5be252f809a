import { x25519 as curve } from "@noble/curves/ed25519.js";
import type { X25519 } from "./engine.ts";

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
