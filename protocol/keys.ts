import * as v from "valibot";

/** A Curve25519 public key of WireGuard as base64, 44 characters. */
export type WireGuardPublicKey = string & { readonly __brand: "WireGuardPublicKey" };
/** An Ed25519 public key that names one installation of the agent, 64 hex digits. */
export type MachineKey = string & { readonly __brand: "MachineKey" };
/** A machine's credential to the API, 64 hex digits. Secret. */
export type NodeKey = string & { readonly __brand: "NodeKey" };
/** `tskey-auth-` and 64 hex digits. Secret. */
export type AuthKeyText = string & { readonly __brand: "AuthKeyText" };

export const AUTH_KEY_PREFIX = "tskey-auth-";

const hex64 = /^[0-9a-f]{64}$/;
// 43 characters carry 258 bits: the last one may only use the four multiples of four.
const base64Of32Bytes = /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/;

export const wireGuardPublicKeySchema = v.pipe(
  v.string("wireguard_public_key must be a string"),
  v.regex(base64Of32Bytes, "wireguard_public_key must be 32 bytes in base64"),
  v.transform((text) => text as WireGuardPublicKey),
);

export const machineKeySchema = v.pipe(
  v.string("machine_key must be a string"),
  v.regex(hex64, "machine_key must be 64 hex digits"),
  v.transform((text) => text as MachineKey),
);

export const nodeKeySchema = v.pipe(
  v.string("node_key must be a string"),
  v.regex(hex64, "node_key must be 64 hex digits"),
  v.transform((text) => text as NodeKey),
);

/** The 64 hex digits of an auth key, or undefined when the text has not the form of one. */
export function authKeyDigits(text: string): string | undefined {
  if (!text.startsWith(AUTH_KEY_PREFIX)) return undefined;
  const digits = text.slice(AUTH_KEY_PREFIX.length);
  return hex64.test(digits) ? digits : undefined;
}

/** What lists show of an auth key: `tskey-auth-` and its first 8 digits. */
export function authKeyShortForm(key: string): string {
  return `${key.slice(0, AUTH_KEY_PREFIX.length + 8)}...`;
}

/** The first 16 digits, as `ztna up` and `ztna status` print a key. */
export function shortKey(hex: string): string {
  return `${hex.slice(0, 16)}...`;
}

/**
 * The text a machine key signs in a registration: it binds the WireGuard key and the name to this auth key,
 * so a recorded signature is worth nothing with another key. `authKeyHash` is the SHA-256 of the auth key's digits in hex.
 */
export function registrationStatement(
  input: { authKeyHash: string; name: string; wireguardPublicKey: string },
): string {
  return `ztna register v1\n${input.authKeyHash}\n${input.name}\n${input.wireguardPublicKey}`;
}

/** The same for a machine that a person enrols: it binds the machine key to this person and org. */
export function setupStatement(
  input: { orgId: string; userId: string; name: string; wireguardPublicKey: string },
): string {
  return `ztna setup v1\n${input.orgId}\n${input.userId}\n${input.name}\n${input.wireguardPublicKey}`;
}

/**
 * The same in a hello over the control stream: it binds the machine key to the node key the agent came with, by its SHA-256 in
 * hex, and to this start of it.
 */
export function helloStatement(input: { nodeKeyHash: string; instance: string }): string {
  return `ztna hello v1\n${input.nodeKeyHash}\n${input.instance}`;
}
