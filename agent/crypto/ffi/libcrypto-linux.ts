/**
 * OpenSSL's EVP (openssl/evp.h), the same in 1.1.1 and 3.x. Addresses are 64-bit numbers where packets pass, because a
 * pointer argument costs an object; a context stays a pointer, made once.
 */
const symbols = {
  EVP_chacha20_poly1305: { parameters: [], result: "pointer" },
  EVP_CIPHER_CTX_new: { parameters: [], result: "pointer" },
  EVP_CIPHER_CTX_free: { parameters: ["pointer"], result: "void" },
  /** Context, cipher, engine, key, nonce, and 1 to seal, 0 to open, -1 to keep the direction. */
  EVP_CipherInit_ex: { parameters: ["pointer", "u64", "u64", "u64", "u64", "i32"], result: "i32" },
  /** Context, output, where to write its length (i32), input, length. */
  EVP_CipherUpdate: { parameters: ["pointer", "u64", "u64", "u64", "i32"], result: "i32" },
  EVP_CipherFinal_ex: { parameters: ["pointer", "u64", "u64"], result: "i32" },
  /** Context, command, length, address. */
  EVP_CIPHER_CTX_ctrl: { parameters: ["pointer", "i32", "i32", "u64"], result: "i32" },
  /** Type, engine, key, its length. */
  EVP_PKEY_new_raw_private_key: { parameters: ["i32", "pointer", "buffer", "usize"], result: "pointer" },
  EVP_PKEY_new_raw_public_key: { parameters: ["i32", "pointer", "buffer", "usize"], result: "pointer" },
  /** Key, where to write it, room there and then its length (size_t). */
  EVP_PKEY_get_raw_public_key: { parameters: ["pointer", "buffer", "buffer"], result: "i32" },
  EVP_PKEY_free: { parameters: ["pointer"], result: "void" },
  EVP_PKEY_CTX_new: { parameters: ["pointer", "pointer"], result: "pointer" },
  EVP_PKEY_CTX_free: { parameters: ["pointer"], result: "void" },
  EVP_PKEY_derive_init: { parameters: ["pointer"], result: "i32" },
  EVP_PKEY_derive_set_peer: { parameters: ["pointer", "pointer"], result: "i32" },
  EVP_PKEY_derive: { parameters: ["pointer", "buffer", "buffer"], result: "i32" },
} as const;

export type Libcrypto = Deno.DynamicLibrary<typeof symbols>["symbols"];

export const EVP_CTRL_AEAD_GET_TAG = 0x10;
export const EVP_CTRL_AEAD_SET_TAG = 0x11;
export const EVP_PKEY_X25519 = 1034;

/** The system's OpenSSL, opened once per isolate: V8's fast calls want one target per call site. */
export const libcrypto: Libcrypto | undefined = open("libcrypto.so.3") ?? open("libcrypto.so.1.1");

function open(name: string): Libcrypto | undefined {
  try {
    return Deno.dlopen(name, symbols).symbols;
  } catch {
    return undefined;
  }
}
