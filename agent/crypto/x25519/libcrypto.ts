import type { X25519, X25519Key } from "../engine.ts";
import { EVP_PKEY_X25519, type Libcrypto, libcrypto } from "../ffi/libcrypto-linux.ts";

/** The system's OpenSSL; undefined where there is none. */
export const libcryptoX25519: X25519 | undefined = libcrypto === undefined
  ? undefined
  : { name: "libcrypto", createKey: (privateKey) => new LibcryptoKey(libcrypto!, privateKey) };

const KEY_BYTES = 32;
const SIZE = BigInt(KEY_BYTES);

class LibcryptoKey implements X25519Key {
  readonly publicKey = new Uint8Array(KEY_BYTES);
  readonly #evp: Libcrypto;
  readonly #key: Deno.PointerValue;
  #context: Deno.PointerValue = null;

  constructor(evp: Libcrypto, privateKey: Uint8Array) {
    this.#evp = evp;
    this.#key = evp.EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, null, plain(privateKey), SIZE);
    if (evp.EVP_PKEY_get_raw_public_key(this.#key, this.publicKey, room()) !== 1) {
      throw new Error("OpenSSL refuses X25519");
    }
  }

  sharedSecret(publicKey: Uint8Array): Uint8Array | undefined {
    const evp = this.#evp;
    const context = this.#context ??= this.#createContext();
    const remote = evp.EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, null, plain(publicKey), SIZE);
    const secret = new Uint8Array(KEY_BYTES);
    // OpenSSL itself refuses a secret of all zeroes.
    const derived = evp.EVP_PKEY_derive_set_peer(context, remote) === 1 &&
      evp.EVP_PKEY_derive(context, secret, room()) === 1;
    evp.EVP_PKEY_free(remote);
    return derived ? secret : undefined;
  }

  /** OpenSSL zeroes a key when it is freed. */
  destroy(): void {
    this.#evp.EVP_PKEY_CTX_free(this.#context);
    this.#evp.EVP_PKEY_free(this.#key);
  }

  #createContext(): Deno.PointerValue {
    const context = this.#evp.EVP_PKEY_CTX_new(this.#key, null);
    this.#evp.EVP_PKEY_derive_init(context);
    return context;
  }
}

/** A size_t that says how much room there is. */
function room(): Uint8Array<ArrayBuffer> {
  const size = new Uint8Array(8);
  size[0] = KEY_BYTES;
  return size;
}

function plain(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  if (bytes.length !== KEY_BYTES) throw new RangeError("a key has 32 bytes");
  return bytes as Uint8Array<ArrayBuffer>;
}
