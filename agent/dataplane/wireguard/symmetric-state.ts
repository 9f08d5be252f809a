import { chacha20poly1305 } from "@noble/ciphers/chacha.js";
import { utf8ToBytes } from "@noble/hashes/utils.js";
import { hash, hmac } from "./blake2s.ts";

const CONSTRUCTION = hash(utf8ToBytes("Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s"));
const IDENTIFIER_HASH = hash(CONSTRUCTION, utf8ToBytes("WireGuard v1 zx2c4 Jason@zx2c4.com"));
const ZERO_NONCE = new Uint8Array(12);
const EMPTY = new Uint8Array(0);

/** The transcript hash both ends start from: it depends on the responder alone (whitepaper 5.4.2). */
export function transcriptOf(responderKey: Uint8Array): Uint8Array {
  return hash(IDENTIFIER_HASH, responderKey);
}

/** Noise's symmetric state as WireGuard names it: chaining key and transcript hash (whitepaper 5.4). Old chaining keys are zeroed. */
export class SymmetricState {
  #chain: Uint8Array;
  #hash: Uint8Array;

  /** `transcript` comes from `transcriptOf`. */
  constructor(transcript: Uint8Array) {
    this.#chain = CONSTRUCTION.slice();
    this.#hash = transcript;
  }

  /** An ephemeral public key: into the transcript and the chain. */
  mixEphemeral(publicKey: Uint8Array): void {
    this.#hash = hash(this.#hash, publicKey);
    this.#derive(publicKey, 1);
  }

  /** A shared secret: into the chain. */
  mixSecret(secret: Uint8Array): void {
    this.#derive(secret, 1);
    secret.fill(0);
  }

  /** A shared secret, and with it `plain` sealed. */
  seal(secret: Uint8Array, plain: Uint8Array): Uint8Array {
    const [key] = this.#derive(secret, 2);
    return this.#seal(key!, plain);
  }

  /** A shared secret, and with it `sealed` opened; undefined when it is forged. */
  open(secret: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
    const [key] = this.#derive(secret, 2);
    return this.#open(key!, sealed);
  }

  /** The pre-shared key, and with it an empty field sealed. */
  sealNothing(presharedKey: Uint8Array): Uint8Array {
    return this.#seal(this.#mixPresharedKey(presharedKey), EMPTY);
  }

  openNothing(presharedKey: Uint8Array, sealed: Uint8Array): boolean {
    return this.#open(this.#mixPresharedKey(presharedKey), sealed) !== undefined;
  }

  /** The transport keys, the initiator's sending key first (whitepaper 5.4.5); the state is zeroed. */
  split(): [Uint8Array, Uint8Array] {
    const keys = derive(this.#chain, EMPTY, 2) as [Uint8Array, Uint8Array];
    this.destroy();
    return keys;
  }

  /** A state of its own with the same past: an answer that turns out forged must not spoil it. */
  clone(): SymmetricState {
    const copy = new SymmetricState(this.#hash);
    copy.#chain = this.#chain.slice();
    return copy;
  }

  destroy(): void {
    this.#chain.fill(0);
  }

  #mixPresharedKey(presharedKey: Uint8Array): Uint8Array {
    const [tau, key] = this.#derive(presharedKey, 3);
    this.#hash = hash(this.#hash, tau!);
    tau!.fill(0);
    return key!;
  }

  #seal(key: Uint8Array, plain: Uint8Array): Uint8Array {
    const sealed = chacha20poly1305(key, ZERO_NONCE, this.#hash).encrypt(plain);
    key.fill(0);
    this.#hash = hash(this.#hash, sealed);
    return sealed;
  }

  #open(key: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
    try {
      return chacha20poly1305(key, ZERO_NONCE, this.#hash).decrypt(sealed);
    } catch {
      return undefined;
    } finally {
      key.fill(0);
      this.#hash = hash(this.#hash, sealed);
    }
  }

  /** The first output is the new chaining key, the others are returned. */
  #derive(input: Uint8Array, count: number): Uint8Array[] {
    const [chain, ...keys] = derive(this.#chain, input, count);
    this.#chain.fill(0);
    this.#chain = chain!;
    return keys;
  }
}

/** HKDF over HMAC-BLAKE2s (whitepaper 5.4, Kdf1 to Kdf3). */
function derive(chain: Uint8Array, input: Uint8Array, count: number): Uint8Array[] {
  const root = hmac(chain, input);
  const outputs: Uint8Array[] = [];
  for (let at = 1; at <= count; at++) outputs.push(hmac(root, outputs[at - 2] ?? EMPTY, Uint8Array.of(at)));
  root.fill(0);
  return outputs;
}
