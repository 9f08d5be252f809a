/**
 * BLAKE2s (RFC 7693) for handshakes: digests of 32 bytes and MACs of 16, of short messages that are all there. Twice as many
 * handshakes per second as with @noble/hashes, which is its reference in the tests (docs/decisions/0007).
 */

const BLOCK_BYTES = 64;
const DIGEST_BYTES = 32;
export const MAC_BYTES = 16;
/** RFC 7693, 2.6: those of SHA-256. */
// deno-fmt-ignore
const INITIAL = Int32Array.of(
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
);
/** RFC 7693, 2.7: which message word goes where, one line for each of the ten rounds. */
// deno-fmt-ignore
const order = Uint8Array.of(
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
  14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3,
  11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4,
  7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8,
  9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13,
  2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9,
  12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11,
  13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10,
  6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5,
  10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0,
);
const state = new Int32Array(DIGEST_BYTES / 4);
const stateBytes = new Uint8Array(state.buffer);
const words = new Int32Array(BLOCK_BYTES / 4);
const block = new Uint8Array(words.buffer);
/** Bytes in the block, and bytes of the message so far. */
let filled = 0;
let total = 0;

// Loops over few words take less here than `set`, `fill` and `subarray`: messages are short.

/** The digest of all parts, one after the other. */
export function hash(...parts: readonly Uint8Array[]): Uint8Array {
  start(DIGEST_BYTES, 0);
  for (let at = 0; at < parts.length; at++) update(parts[at]!);
  return finish(DIGEST_BYTES);
}

/** BLAKE2s's own keyed mode. */
export function mac(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
  start(MAC_BYTES, key.length);
  for (let at = 0; at < key.length; at++) block[at] = key[at]!;
  filled = total = BLOCK_BYTES;
  for (let at = 0; at < parts.length; at++) update(parts[at]!);
  return finish(MAC_BYTES);
}

const INNER_PAD = 0x36;
const OUTER_PAD = 0x5c;
const inner = new Uint8Array(DIGEST_BYTES);

/** HMAC (RFC 2104) with a key of at most one block, which WireGuard uses in its key derivation. */
export function hmac(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
  startPadded(key, INNER_PAD);
  for (let at = 0; at < parts.length; at++) update(parts[at]!);
  finishInto(inner);
  startPadded(key, OUTER_PAD);
  update(inner);
  for (let at = 0; at < DIGEST_BYTES; at++) inner[at] = 0;
  return finish(DIGEST_BYTES);
}

function startPadded(key: Uint8Array, pad: number): void {
  start(DIGEST_BYTES, 0);
  for (let at = 0; at < key.length; at++) block[at] = key[at]! ^ pad;
  for (let at = key.length; at < BLOCK_BYTES; at++) block[at] = pad;
  filled = total = BLOCK_BYTES;
}

function start(digestBytes: number, keyBytes: number): void {
  for (let at = 0; at < state.length; at++) state[at] = INITIAL[at]!;
  state[0]! ^= 0x01010000 ^ (keyBytes << 8) ^ digestBytes;
  clearBlock();
  total = 0;
}

function clearBlock(): void {
  for (let at = 0; at < words.length; at++) words[at] = 0;
  filled = 0;
}

/** The block is compressed only when more follows: the last one is marked. */
function update(part: Uint8Array): void {
  for (let at = 0; at < part.length;) {
    if (filled === BLOCK_BYTES) {
      compress(0);
      clearBlock();
    }
    const count = Math.min(part.length - at, BLOCK_BYTES - filled);
    for (let index = 0; index < count; index++) block[filled + index] = part[at + index]!;
    filled += count;
    total += count;
    at += count;
  }
}

function finish(digestBytes: number): Uint8Array {
  const digest = new Uint8Array(digestBytes);
  finishInto(digest);
  return digest;
}

/** Secrets do not lie on in the state. */
function finishInto(digest: Uint8Array): void {
  compress(-1);
  for (let at = 0; at < digest.length; at++) digest[at] = stateBytes[at]!;
  for (let at = 0; at < state.length; at++) state[at] = 0;
  clearBlock();
}

/** RFC 7693, 3.2, on little-endian machines; `last` is -1 for the last block. Messages are shorter than 4 GiB. */
function compress(last: number): void {
  let v0 = state[0]!;
  let v1 = state[1]!;
  let v2 = state[2]!;
  let v3 = state[3]!;
  let v4 = state[4]!;
  let v5 = state[5]!;
  let v6 = state[6]!;
  let v7 = state[7]!;
  let v8 = INITIAL[0]!;
  let v9 = INITIAL[1]!;
  let v10 = INITIAL[2]!;
  let v11 = INITIAL[3]!;
  let v12 = INITIAL[4]!;
  let v13 = INITIAL[5]!;
  let v14 = INITIAL[6]!;
  let v15 = INITIAL[7]!;
  v12 ^= total;
  v14 ^= last;
  for (let at = 0; at < order.length; at += 16) {
    v0 = (v0 + v4 + words[order[at + 0]!]!) | 0;
    v12 = rotate(v12 ^ v0, 16);
    v8 = (v8 + v12) | 0;
    v4 = rotate(v4 ^ v8, 12);
    v0 = (v0 + v4 + words[order[at + 1]!]!) | 0;
    v12 = rotate(v12 ^ v0, 8);
    v8 = (v8 + v12) | 0;
    v4 = rotate(v4 ^ v8, 7);
    v1 = (v1 + v5 + words[order[at + 2]!]!) | 0;
    v13 = rotate(v13 ^ v1, 16);
    v9 = (v9 + v13) | 0;
    v5 = rotate(v5 ^ v9, 12);
    v1 = (v1 + v5 + words[order[at + 3]!]!) | 0;
    v13 = rotate(v13 ^ v1, 8);
    v9 = (v9 + v13) | 0;
    v5 = rotate(v5 ^ v9, 7);
    v2 = (v2 + v6 + words[order[at + 4]!]!) | 0;
    v14 = rotate(v14 ^ v2, 16);
    v10 = (v10 + v14) | 0;
    v6 = rotate(v6 ^ v10, 12);
    v2 = (v2 + v6 + words[order[at + 5]!]!) | 0;
    v14 = rotate(v14 ^ v2, 8);
    v10 = (v10 + v14) | 0;
    v6 = rotate(v6 ^ v10, 7);
    v3 = (v3 + v7 + words[order[at + 6]!]!) | 0;
    v15 = rotate(v15 ^ v3, 16);
    v11 = (v11 + v15) | 0;
    v7 = rotate(v7 ^ v11, 12);
    v3 = (v3 + v7 + words[order[at + 7]!]!) | 0;
    v15 = rotate(v15 ^ v3, 8);
    v11 = (v11 + v15) | 0;
    v7 = rotate(v7 ^ v11, 7);
    v0 = (v0 + v5 + words[order[at + 8]!]!) | 0;
    v15 = rotate(v15 ^ v0, 16);
    v10 = (v10 + v15) | 0;
    v5 = rotate(v5 ^ v10, 12);
    v0 = (v0 + v5 + words[order[at + 9]!]!) | 0;
    v15 = rotate(v15 ^ v0, 8);
    v10 = (v10 + v15) | 0;
    v5 = rotate(v5 ^ v10, 7);
    v1 = (v1 + v6 + words[order[at + 10]!]!) | 0;
    v12 = rotate(v12 ^ v1, 16);
    v11 = (v11 + v12) | 0;
    v6 = rotate(v6 ^ v11, 12);
    v1 = (v1 + v6 + words[order[at + 11]!]!) | 0;
    v12 = rotate(v12 ^ v1, 8);
    v11 = (v11 + v12) | 0;
    v6 = rotate(v6 ^ v11, 7);
    v2 = (v2 + v7 + words[order[at + 12]!]!) | 0;
    v13 = rotate(v13 ^ v2, 16);
    v8 = (v8 + v13) | 0;
    v7 = rotate(v7 ^ v8, 12);
    v2 = (v2 + v7 + words[order[at + 13]!]!) | 0;
    v13 = rotate(v13 ^ v2, 8);
    v8 = (v8 + v13) | 0;
    v7 = rotate(v7 ^ v8, 7);
    v3 = (v3 + v4 + words[order[at + 14]!]!) | 0;
    v14 = rotate(v14 ^ v3, 16);
    v9 = (v9 + v14) | 0;
    v4 = rotate(v4 ^ v9, 12);
    v3 = (v3 + v4 + words[order[at + 15]!]!) | 0;
    v14 = rotate(v14 ^ v3, 8);
    v9 = (v9 + v14) | 0;
    v4 = rotate(v4 ^ v9, 7);
  }
  state[0]! ^= v0 ^ v8;
  state[1]! ^= v1 ^ v9;
  state[2]! ^= v2 ^ v10;
  state[3]! ^= v3 ^ v11;
  state[4]! ^= v4 ^ v12;
  state[5]! ^= v5 ^ v13;
  state[6]! ^= v6 ^ v14;
  state[7]! ^= v7 ^ v15;
}

function rotate(word: number, bits: number): number {
  return (word >>> bits) | (word << (32 - bits));
}
