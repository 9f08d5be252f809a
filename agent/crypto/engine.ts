/**
 * ChaCha20-Poly1305 (RFC 8439) as WireGuard uses it: nonce = 4 zero bytes and the 64-bit counter little endian, empty
 * associated data, 16-byte tag after the ciphertext. Everything happens in one arena; arguments are byte offsets into it.
 */
export interface AeadEngine {
  readonly name: string;
  /** Takes a copy of the 32-byte key. */
  prepare(key: Uint8Array): AeadKey;
}

export interface AeadKey {
  /** Seals `length` bytes at `source` and writes `length + 16` bytes at `target`, which may be `source` itself. */
  seal(counter: number, source: number, length: number, target: number): void;
  /**
   * Opens `length` bytes (tag included) at `source` to `target`, which may be `source` itself. False for a forged packet;
   * what then lies at `target` is undefined and must be dropped.
   */
  open(counter: number, source: number, length: number, target: number): boolean;
  /** Zeroes the key. The object must not be used again. */
  destroy(): void;
}

/** The memory of one data thread, never grown. */
export interface Arena {
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

/** The arena as engines see it: with room of their own for keys, nonces and tables. */
export interface EngineArena extends Arena {
  readonly memory: WebAssembly.Memory;
  readonly engine: { readonly offset: number; readonly bytes: number };
}

export const TAG_BYTES = 16;

/** Curve25519 (RFC 7748), all byte strings 32 bytes long. */
export interface X25519 {
  readonly name: "noble" | "node" | "libcrypto";
  /** Takes a copy of the private key. */
  createKey(privateKey: Uint8Array): X25519Key;
}

export interface X25519Key {
  readonly publicKey: Uint8Array;
  /** Undefined for a public key of low order, which would give a secret everybody knows (RFC 7748, 6.1). */
  sharedSecret(publicKey: Uint8Array): Uint8Array | undefined;
  /** Forgets the private key, zeroed where its holder lets us. The object must not be used again. */
  destroy(): void;
}
