import { utf8ToBytes } from "@noble/hashes/utils.js";
import { hash, mac, MAC_BYTES } from "./blake2s.ts";

const LABEL_MAC1 = utf8ToBytes("mac1----");

/** The key of `mac1` in messages to the owner of a public key (whitepaper 5.4.4). */
export function macKeyOf(publicKey: Uint8Array): Uint8Array {
  return hash(LABEL_MAC1, publicKey);
}

/** Writes `mac1` into a message that is finished but for it and `mac2`. */
export function stampMac1(macKey: Uint8Array, bytes: Uint8Array): void {
  const at = bytes.length - 2 * MAC_BYTES;
  bytes.set(mac(macKey, bytes.subarray(0, at)), at);
}

/** True when the message was made by somebody who knows our public key. */
export function hasMac1(macKey: Uint8Array, bytes: Uint8Array): boolean {
  const at = bytes.length - 2 * MAC_BYTES;
  const expected = mac(macKey, bytes.subarray(0, at));
  let difference = 0;
  for (let i = 0; i < MAC_BYTES; i++) difference |= expected[i]! ^ bytes[at + i]!;
  return difference === 0;
}
