/**
 * OpenSSL's EVP (openssl/evp.h), the same in 1.1 and 3.x. Addresses are 64-bit numbers, because a pointer argument costs
 * an object; a context stays a pointer, made once.
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
} as const;

export type Libcrypto = Deno.DynamicLibrary<typeof symbols>["symbols"];

export const EVP_CTRL_AEAD_GET_TAG = 0x10;
export const EVP_CTRL_AEAD_SET_TAG = 0x11;

/** The system's OpenSSL, opened once per isolate: V8's fast calls want one target per call site. */
export const libcrypto: Libcrypto | undefined = open("libcrypto.so.3") ?? open("libcrypto.so.1.1");

function open(name: string): Libcrypto | undefined {
  try {
    return Deno.dlopen(name, symbols).symbols;
  } catch {
    return undefined;
  }
}
