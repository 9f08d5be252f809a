import { Buffer } from "node:buffer";
import { createPrivateKey, createPublicKey, diffieHellman, type KeyObject } from "node:crypto";
import type { X25519, X25519Key } from "../engine.ts";

/** The runtime's own curve, the same on every system. */
export const nodeX25519: X25519 = { name: "node", createKey: (privateKey) => new NodeKey(privateKey) };

/** What stands before the 32 key bytes in DER: PKCS #8 and SubjectPublicKeyInfo of id-X25519 (RFC 8410). */
const PRIVATE_HEADER = Buffer.from("302e020100300506032b656e04220420", "hex");
const PUBLIC_HEADER = Buffer.from("302a300506032b656e032100", "hex");

class NodeKey implements X25519Key {
  readonly publicKey: Uint8Array;
  /** Its memory is the runtime's; it goes with the object. */
  #privateKey: KeyObject | undefined;

  constructor(privateKey: Uint8Array) {
    const der = Buffer.concat([PRIVATE_HEADER, privateKey]);
    this.#privateKey = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
    der.fill(0);
    const exported = createPublicKey(this.#privateKey).export({ format: "der", type: "spki" });
    this.publicKey = new Uint8Array(exported.subarray(PUBLIC_HEADER.length));
  }

  sharedSecret(publicKey: Uint8Array): Uint8Array | undefined {
    const key = Buffer.concat([PUBLIC_HEADER, publicKey]);
    try {
      const remote = createPublicKey({ key, format: "der", type: "spki" });
      const secret = new Uint8Array(diffieHellman({ privateKey: this.#privateKey!, publicKey: remote }));
      return secret.some((byte) => byte !== 0) ? secret : undefined;
    } catch {
      return undefined;
    }
  }

  destroy(): void {
    this.#privateKey = undefined;
  }
}
