import { type AeadEngine, type AeadKey, type EngineArena, TAG_BYTES } from "../engine.ts";
import { EVP_CTRL_AEAD_GET_TAG, EVP_CTRL_AEAD_SET_TAG, type Libcrypto, libcrypto } from "../ffi/libcrypto-linux.ts";

/** OpenSSL in the arena, at `arenaAddress`; undefined where the system has none. */
export function libcryptoEngine(arena: EngineArena, arenaAddress: bigint): AeadEngine | undefined {
  if (libcrypto === undefined) return undefined;
  const evp = libcrypto;
  const cipher = Deno.UnsafePointer.value(evp.EVP_chacha20_poly1305());
  if (cipher === 0n) return undefined;
  const place = { arena, address: arenaAddress, cipher: BigInt.asUintN(64, cipher) };
  return { name: "libcrypto", prepare: (key) => new LibcryptoKey(evp, place, key) };
}

interface Place {
  readonly arena: EngineArena;
  readonly address: bigint;
  readonly cipher: bigint;
}

/** Scratch in the engine's region: the key while it is handed over, the nonce, the length OpenSSL writes. */
const NONCE = 32;
const LENGTH = 48;
const KEY_BYTES = 32;
/** Directions of EVP_CipherInit_ex. */
const SEAL = 1;
const OPEN = 0;
const SAME = -1;

class LibcryptoKey implements AeadKey {
  readonly #evp: Libcrypto;
  readonly #view: DataView;
  readonly #base: bigint;
  /** Offset of the nonce's counter in the arena. */
  readonly #counter: number;
  readonly #nonce: bigint;
  readonly #length: bigint;
  readonly #sealing: Deno.PointerValue;
  readonly #opening: Deno.PointerValue;

  constructor(evp: Libcrypto, { arena, address, cipher }: Place, key: Uint8Array) {
    const scratch = arena.engine.offset;
    this.#evp = evp;
    this.#view = arena.view;
    this.#base = address;
    this.#counter = scratch + NONCE + 4;
    this.#nonce = this.#at(scratch + NONCE);
    this.#length = this.#at(scratch + LENGTH);
    arena.bytes.set(key, scratch);
    arena.view.setUint32(scratch + NONCE, 0);
    this.#sealing = this.#createContext(cipher, this.#at(scratch), SEAL);
    this.#opening = this.#createContext(cipher, this.#at(scratch), OPEN);
    arena.bytes.fill(0, scratch, scratch + KEY_BYTES);
  }

  seal(counter: number, source: number, length: number, target: number): void {
    const context = this.#sealing;
    const end = this.#at(target + length);
    this.#start(context, counter);
    this.#evp.EVP_CipherUpdate(context, this.#at(target), this.#length, this.#at(source), length);
    this.#evp.EVP_CipherFinal_ex(context, end, this.#length);
    this.#evp.EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, end);
  }

  open(counter: number, source: number, length: number, target: number): boolean {
    const content = length - TAG_BYTES;
    if (content < 0) return false;
    const context = this.#opening;
    this.#start(context, counter);
    this.#evp.EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, this.#at(source + content));
    this.#evp.EVP_CipherUpdate(context, this.#at(target), this.#length, this.#at(source), content);
    return this.#evp.EVP_CipherFinal_ex(context, this.#at(target + content), this.#length) === 1;
  }

  /** OpenSSL zeroes a context when it is freed. */
  destroy(): void {
    this.#evp.EVP_CIPHER_CTX_free(this.#sealing);
    this.#evp.EVP_CIPHER_CTX_free(this.#opening);
  }

  #start(context: Deno.PointerValue, counter: number): void {
    this.#view.setUint32(this.#counter, counter >>> 0, true);
    this.#view.setUint32(this.#counter + 4, Math.floor(counter / 2 ** 32), true);
    this.#evp.EVP_CipherInit_ex(context, 0n, 0n, 0n, this.#nonce, SAME);
  }

  #createContext(cipher: bigint, key: bigint, direction: number): Deno.PointerValue {
    const context = this.#evp.EVP_CIPHER_CTX_new();
    if (this.#evp.EVP_CipherInit_ex(context, cipher, 0n, key, 0n, direction) !== 1) {
      throw new Error("OpenSSL refuses ChaCha20-Poly1305");
    }
    return context;
  }

  #at(offset: number): bigint {
    return BigInt.asUintN(64, this.#base + BigInt(offset));
  }
}
