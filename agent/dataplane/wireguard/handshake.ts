import type { X25519, X25519Key } from "../../crypto/engine.ts";
import { macKeyOf, stampMac1 } from "./mac1.ts";
import { Initiation, INITIATION_BYTES, MessageType, Response, RESPONSE_BYTES } from "./messages.ts";
import { SymmetricState, transcriptOf } from "./symmetric-state.ts";

/** Noise_IKpsk2 as WireGuard uses it (whitepaper 5.4). All keys are 32 bytes. */

const NO_PRESHARED_KEY = new Uint8Array(32);

/** What can be worked out of a public key beforehand. */
interface Known {
  readonly transcript: Uint8Array;
  /** Key of `mac1` in messages to its owner (5.4.4). */
  readonly macKey: Uint8Array;
}

/** This end. */
export interface Identity extends Known {
  readonly x25519: X25519;
  readonly key: X25519Key;
}

/** The other end. */
export interface Remote extends Known {
  readonly publicKey: Uint8Array;
  /** Of its static key and ours; secret. */
  readonly staticSecret: Uint8Array;
}

/** What an initiator keeps until the response comes. */
export interface PendingInitiation {
  readonly localIndex: number;
  readonly ephemeral: X25519Key;
  readonly state: SymmetricState;
}

export interface SessionKeys {
  readonly sendKey: Uint8Array;
  readonly receiveKey: Uint8Array;
}

export interface OpenedInitiation {
  readonly remote: Remote;
  readonly remoteIndex: number;
  readonly remoteEphemeral: Uint8Array;
  readonly timestamp: Uint8Array;
  readonly state: SymmetricState;
}

export function createIdentity(x25519: X25519, privateKey: Uint8Array): Identity {
  const key = x25519.createKey(privateKey);
  return { x25519, key, ...knownOf(key.publicKey) };
}

/** Undefined for a key of low order, with which no handshake is possible. */
export function createRemote(self: Identity, publicKey: Uint8Array): Remote | undefined {
  const staticSecret = self.key.sharedSecret(publicKey);
  return staticSecret && { publicKey, staticSecret, ...knownOf(publicKey) };
}

/** First message (5.4.2). `ephemeral` is a fresh private key and is zeroed. */
export function createInitiation(
  self: Identity,
  remote: Remote,
  input: { localIndex: number; ephemeral: Uint8Array; timestamp: Uint8Array },
): { bytes: Uint8Array; pending: PendingInitiation } {
  const { localIndex, timestamp } = input;
  const bytes = new Uint8Array(INITIATION_BYTES);
  const ephemeral = takeKey(self.x25519, input.ephemeral);
  const state = new SymmetricState(remote.transcript);
  bytes[0] = MessageType.initiation;
  viewOf(bytes).setUint32(Initiation.sender, localIndex, true);
  bytes.set(ephemeral.publicKey, Initiation.ephemeral);
  state.mixEphemeral(ephemeral.publicKey);
  // A remote with a static secret is of high order: there is a secret with every key.
  const secret = ephemeral.sharedSecret(remote.publicKey)!;
  bytes.set(state.seal(secret, self.key.publicKey), Initiation.static);
  bytes.set(state.seal(remote.staticSecret, timestamp), Initiation.timestamp);
  stampMac1(remote.macKey, bytes);
  secret.fill(0);
  return { bytes, pending: { localIndex, ephemeral, state } };
}

/**
 * Opens a first message; undefined when it is forged or `find` has nobody with its key. The caller checks `mac1` before and the
 * timestamp afterwards.
 */
export function openInitiation(
  self: Identity,
  bytes: Uint8Array,
  find: (publicKey: Uint8Array) => Remote | undefined,
): OpenedInitiation | undefined {
  const remoteEphemeral = bytes.slice(Initiation.ephemeral, Initiation.static);
  const secret = self.key.sharedSecret(remoteEphemeral);
  if (secret === undefined) return undefined;
  const state = new SymmetricState(self.transcript);
  state.mixEphemeral(remoteEphemeral);
  const publicKey = state.open(secret, bytes.subarray(Initiation.static, Initiation.timestamp));
  secret.fill(0);
  const remote = publicKey && find(publicKey);
  const sealedTimestamp = bytes.subarray(Initiation.timestamp, Initiation.mac1);
  const timestamp = remote && state.open(remote.staticSecret, sealedTimestamp);
  if (remote === undefined || timestamp === undefined) {
    state.destroy();
    return undefined;
  }
  const remoteIndex = viewOf(bytes).getUint32(Initiation.sender, true);
  return { remote, remoteIndex, remoteEphemeral, timestamp, state };
}

/**
 * Second message and the responder's keys (5.4.3, 5.4.5). `ephemeral` is a fresh private key and is zeroed. Undefined when the
 * initiator's ephemeral key is of low order.
 */
export function createResponse(
  self: Identity,
  opened: OpenedInitiation,
  input: { localIndex: number; ephemeral: Uint8Array; presharedKey?: Uint8Array | undefined },
): { bytes: Uint8Array; keys: SessionKeys } | undefined {
  const { remote, remoteIndex, remoteEphemeral, state } = opened;
  const bytes = new Uint8Array(RESPONSE_BYTES);
  const ephemeral = takeKey(self.x25519, input.ephemeral);
  bytes[0] = MessageType.response;
  viewOf(bytes).setUint32(Response.sender, input.localIndex, true);
  viewOf(bytes).setUint32(Response.receiver, remoteIndex, true);
  bytes.set(ephemeral.publicKey, Response.ephemeral);
  const secrets = [ephemeral.sharedSecret(remoteEphemeral), ephemeral.sharedSecret(remote.publicKey)];
  ephemeral.destroy();
  if (!mixResponse(state, ephemeral.publicKey, secrets)) return undefined;
  bytes.set(state.sealNothing(input.presharedKey ?? NO_PRESHARED_KEY), Response.nothing);
  stampMac1(remote.macKey, bytes);
  const [receiveKey, sendKey] = state.split();
  return { bytes, keys: { sendKey, receiveKey } };
}

/** The initiator's keys from a response, or undefined when it is forged: `pending` then waits on. */
export function openResponse(
  self: Identity,
  pending: PendingInitiation,
  bytes: Uint8Array,
  presharedKey: Uint8Array = NO_PRESHARED_KEY,
): { keys: SessionKeys; remoteIndex: number } | undefined {
  const remoteEphemeral = bytes.slice(Response.ephemeral, Response.nothing);
  const state = pending.state.clone();
  const secrets = [pending.ephemeral.sharedSecret(remoteEphemeral), self.key.sharedSecret(remoteEphemeral)];
  if (!mixResponse(state, remoteEphemeral, secrets)) return undefined;
  if (!state.openNothing(presharedKey, bytes.subarray(Response.nothing, Response.mac1))) {
    state.destroy();
    return undefined;
  }
  const [sendKey, receiveKey] = state.split();
  return { keys: { sendKey, receiveKey }, remoteIndex: viewOf(bytes).getUint32(Response.sender, true) };
}

/** TAI64N: seconds since 1970 TAI plus 2^62, big endian, then nanoseconds. `now` in milliseconds of the wall clock. */
export function tai64n(now: number): Uint8Array {
  const out = new Uint8Array(12);
  const seconds = BigInt(Math.floor(now / 1000)) + 0x400000000000000an;
  viewOf(out).setBigUint64(0, seconds);
  viewOf(out).setUint32(8, Math.floor((now % 1000) * 1e6));
  return out;
}

function mixResponse(state: SymmetricState, ephemeral: Uint8Array, secrets: (Uint8Array | undefined)[]): boolean {
  const [ee, se] = secrets;
  if (ee === undefined || se === undefined) {
    state.destroy();
    return false;
  }
  state.mixEphemeral(ephemeral);
  state.mixSecret(ee);
  state.mixSecret(se);
  return true;
}

function knownOf(publicKey: Uint8Array): Known {
  return { transcript: transcriptOf(publicKey), macKey: macKeyOf(publicKey) };
}

function takeKey(x25519: X25519, privateKey: Uint8Array): X25519Key {
  const key = x25519.createKey(privateKey);
  privateKey.fill(0);
  return key;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
