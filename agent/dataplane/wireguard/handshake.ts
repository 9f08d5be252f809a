import { chacha20poly1305 } from "@noble/ciphers/chacha.js";
import { blake2s } from "@noble/hashes/blake2.js";
import { hmac } from "@noble/hashes/hmac.js";
import { concatBytes, utf8ToBytes } from "@noble/hashes/utils.js";
import type { X25519 } from "../../crypto/engine.ts";
import { Initiation, INITIATION_BYTES, MessageType, Response, RESPONSE_BYTES } from "./messages.ts";

/** Noise_IKpsk2 as WireGuard uses it (whitepaper 5.4). All keys are 32 bytes. */

const CONSTRUCTION = blake2s(utf8ToBytes("Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s"));
const IDENTIFIER_HASH = blake2s(concatBytes(CONSTRUCTION, utf8ToBytes("WireGuard v1 zx2c4 Jason@zx2c4.com")));
const LABEL_MAC1 = utf8ToBytes("mac1----");
const ZERO_NONCE = new Uint8Array(12);
const NO_PSK = new Uint8Array(32);
const EMPTY = new Uint8Array(0);

export interface Identity {
  readonly privateKey: Uint8Array;
  readonly publicKey: Uint8Array;
  readonly x25519: X25519;
}

/** What an initiator keeps until the response comes. */
export interface PendingInitiation {
  readonly localIndex: number;
  readonly ephemeral: Uint8Array;
  readonly chain: Uint8Array;
  readonly hash: Uint8Array;
}

export interface SessionKeys {
  readonly sendKey: Uint8Array;
  readonly receiveKey: Uint8Array;
}

export interface OpenedInitiation {
  readonly publicKey: Uint8Array;
  readonly remoteIndex: number;
  readonly remoteEphemeral: Uint8Array;
  readonly timestamp: Uint8Array;
  readonly chain: Uint8Array;
  readonly hash: Uint8Array;
}

/** First message (5.4.2). Undefined when the peer's key is of low order. */
export function createInitiation(
  self: Identity,
  peer: { publicKey: Uint8Array },
  input: { localIndex: number; ephemeral: Uint8Array; timestamp: Uint8Array },
): { bytes: Uint8Array; pending: PendingInitiation } | undefined {
  const { x25519 } = self;
  const { localIndex, ephemeral, timestamp } = input;
  const bytes = new Uint8Array(INITIATION_BYTES);
  bytes[0] = MessageType.initiation;
  new DataView(bytes.buffer).setUint32(Initiation.sender, localIndex, true);
  const ephemeralPublic = x25519.publicKey(ephemeral);
  bytes.set(ephemeralPublic, Initiation.ephemeral);
  let hash = mix(mix(IDENTIFIER_HASH, peer.publicKey), ephemeralPublic);
  let [chain] = kdf(CONSTRUCTION, ephemeralPublic, 1) as [Uint8Array];
  const es = x25519.sharedSecret(ephemeral, peer.publicKey);
  const ss = x25519.sharedSecret(self.privateKey, peer.publicKey);
  if (es === undefined || ss === undefined) return undefined;
  let key: Uint8Array;
  [chain, key] = kdf(chain, es, 2) as [Uint8Array, Uint8Array];
  const sealedStatic = seal(key, self.publicKey, hash);
  bytes.set(sealedStatic, Initiation.static);
  hash = mix(hash, sealedStatic);
  [chain, key] = kdf(chain, ss, 2) as [Uint8Array, Uint8Array];
  const sealedTime = seal(key, timestamp, hash);
  bytes.set(sealedTime, Initiation.timestamp);
  hash = mix(hash, sealedTime);
  bytes.set(mac1(peer.publicKey, bytes.subarray(0, Initiation.mac1)), Initiation.mac1);
  return { bytes, pending: { localIndex, ephemeral, chain, hash } };
}

/** Opens a first message; undefined when it is forged. The caller checks the peer, the timestamp and `mac1` beforehand. */
export function openInitiation(self: Identity, bytes: Uint8Array): OpenedInitiation | undefined {
  const { x25519 } = self;
  const remoteEphemeral = bytes.slice(Initiation.ephemeral, Initiation.static);
  let hash = mix(mix(IDENTIFIER_HASH, self.publicKey), remoteEphemeral);
  let [chain] = kdf(CONSTRUCTION, remoteEphemeral, 1) as [Uint8Array];
  const es = x25519.sharedSecret(self.privateKey, remoteEphemeral);
  if (es === undefined) return undefined;
  let key: Uint8Array;
  [chain, key] = kdf(chain, es, 2) as [Uint8Array, Uint8Array];
  const sealedStatic = bytes.subarray(Initiation.static, Initiation.timestamp);
  const publicKey = open(key, sealedStatic, hash);
  const ss = publicKey && x25519.sharedSecret(self.privateKey, publicKey);
  if (publicKey === undefined || ss === undefined) return undefined;
  hash = mix(hash, sealedStatic);
  [chain, key] = kdf(chain, ss, 2) as [Uint8Array, Uint8Array];
  const sealedTime = bytes.subarray(Initiation.timestamp, Initiation.mac1);
  const timestamp = open(key, sealedTime, hash);
  if (timestamp === undefined) return undefined;
  const remoteIndex = view(bytes).getUint32(Initiation.sender, true);
  return { publicKey, remoteIndex, remoteEphemeral, timestamp, chain, hash: mix(hash, sealedTime) };
}

/** Second message and the responder's keys (5.4.3, 5.4.5). */
export function createResponse(
  self: Identity,
  opened: OpenedInitiation,
  input: { localIndex: number; ephemeral: Uint8Array; presharedKey?: Uint8Array | undefined },
): { bytes: Uint8Array; keys: SessionKeys } | undefined {
  const { x25519 } = self;
  const bytes = new Uint8Array(RESPONSE_BYTES);
  bytes[0] = MessageType.response;
  view(bytes).setUint32(Response.sender, input.localIndex, true);
  view(bytes).setUint32(Response.receiver, opened.remoteIndex, true);
  const ephemeralPublic = x25519.publicKey(input.ephemeral);
  bytes.set(ephemeralPublic, Response.ephemeral);
  const ee = x25519.sharedSecret(input.ephemeral, opened.remoteEphemeral);
  const se = x25519.sharedSecret(input.ephemeral, opened.publicKey);
  if (ee === undefined || se === undefined) return undefined;
  const mixed = mixResponse(opened, ephemeralPublic, ee, se, input.presharedKey);
  bytes.set(seal(mixed.key, EMPTY, mixed.hash), Response.nothing);
  bytes.set(mac1(opened.publicKey, bytes.subarray(0, Response.mac1)), Response.mac1);
  const [receiveKey, sendKey] = kdf(mixed.chain, EMPTY, 2) as [Uint8Array, Uint8Array];
  return { bytes, keys: { sendKey, receiveKey } };
}

/** The initiator's keys from a response, or undefined when it is forged. */
export function openResponse(
  self: Identity,
  pending: PendingInitiation,
  bytes: Uint8Array,
  presharedKey: Uint8Array | undefined,
): { keys: SessionKeys; remoteIndex: number } | undefined {
  const remoteEphemeral = bytes.slice(Response.ephemeral, Response.nothing);
  const ee = self.x25519.sharedSecret(pending.ephemeral, remoteEphemeral);
  const se = self.x25519.sharedSecret(self.privateKey, remoteEphemeral);
  if (ee === undefined || se === undefined) return undefined;
  const mixed = mixResponse(pending, remoteEphemeral, ee, se, presharedKey);
  if (open(mixed.key, bytes.subarray(Response.nothing, Response.mac1), mixed.hash) === undefined) return undefined;
  const [sendKey, receiveKey] = kdf(mixed.chain, EMPTY, 2) as [Uint8Array, Uint8Array];
  return { keys: { sendKey, receiveKey }, remoteIndex: view(bytes).getUint32(Response.sender, true) };
}

/** True when the message was made by somebody who knows our public key (5.4.4). */
export function hasMac1(publicKey: Uint8Array, bytes: Uint8Array): boolean {
  const at = bytes.length - 32;
  const expected = mac1(publicKey, bytes.subarray(0, at));
  let difference = 0;
  for (let i = 0; i < 16; i++) difference |= expected[i]! ^ bytes[at + i]!;
  return difference === 0;
}

/** TAI64N: seconds since 1970 TAI plus 2^62, big endian, then nanoseconds. `now` in milliseconds of the wall clock. */
export function tai64n(now: number): Uint8Array {
  const out = new Uint8Array(12);
  const seconds = BigInt(Math.floor(now / 1000)) + 0x400000000000000an;
  view(out).setBigUint64(0, seconds);
  view(out).setUint32(8, Math.floor((now % 1000) * 1e6));
  return out;
}

function mixResponse(
  from: { chain: Uint8Array; hash: Uint8Array },
  ephemeral: Uint8Array,
  ee: Uint8Array,
  se: Uint8Array,
  presharedKey: Uint8Array = NO_PSK,
) {
  const hash = mix(from.hash, ephemeral);
  const [c1] = kdf(from.chain, ephemeral, 1) as [Uint8Array];
  const [c2] = kdf(c1, ee, 1) as [Uint8Array];
  const [c3] = kdf(c2, se, 1) as [Uint8Array];
  const [chain, tau, key] = kdf(c3, presharedKey, 3) as [Uint8Array, Uint8Array, Uint8Array];
  return { chain, key, hash: mix(hash, tau) };
}

function mac1(publicKey: Uint8Array, message: Uint8Array): Uint8Array {
  return blake2s(message, { key: blake2s(concatBytes(LABEL_MAC1, publicKey)), dkLen: 16 });
}

function mix(hash: Uint8Array, data: Uint8Array): Uint8Array {
  return blake2s(concatBytes(hash, data));
}

function kdf(chain: Uint8Array, input: Uint8Array, count: number): Uint8Array[] {
  const root = hmac(blake2s, chain, input);
  const out: Uint8Array[] = [];
  for (let i = 1; i <= count; i++) out.push(hmac(blake2s, root, concatBytes(out[i - 2] ?? EMPTY, Uint8Array.of(i))));
  return out;
}

function seal(key: Uint8Array, plain: Uint8Array, hash: Uint8Array): Uint8Array {
  return chacha20poly1305(key, ZERO_NONCE, hash).encrypt(plain);
}

function open(key: Uint8Array, sealed: Uint8Array, hash: Uint8Array): Uint8Array | undefined {
  try {
    return chacha20poly1305(key, ZERO_NONCE, hash).decrypt(sealed);
  } catch {
    return undefined;
  }
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
