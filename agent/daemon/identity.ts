import { Buffer } from "node:buffer";
import { createHash, createPrivateKey, generateKeyPairSync, sign } from "node:crypto";
import { helloStatement, registrationStatement, setupStatement } from "#protocol/keys.ts";
import type { AgentState } from "./state-file.ts";

/** A new installation: a WireGuard key pair and an Ed25519 machine key, not registered anywhere yet. */
export function createIdentity(): AgentState {
  const wireguard = exportJwk(generateKeyPairSync("x25519").privateKey);
  const machine = exportJwk(generateKeyPairSync("ed25519").privateKey);
  return {
    version: 1,
    wireguard_private_key: Buffer.from(wireguard.d, "base64url").toString("base64"),
    wireguard_public_key: Buffer.from(wireguard.x, "base64url").toString("base64"),
    machine_private_key: Buffer.from(machine.d, "base64url").toString("hex"),
    machine_key: Buffer.from(machine.x, "base64url").toString("hex"),
    registration: null,
  };
}

/** The machine key's signature over a registration, 128 hex digits. `authKeyDigits` are the 64 hex digits of the key. */
export function signRegistration(state: AgentState, authKeyDigits: string, name: string): string {
  const authKeyHash = createHash("sha256").update(authKeyDigits).digest("hex");
  const wireguardPublicKey = state.wireguard_public_key;
  return signWithMachineKey(state, registrationStatement({ authKeyHash, name, wireguardPublicKey }));
}

/** The same over a registration by a person. */
export function signSetup(state: AgentState, by: { orgId: string; userId: string }, name: string): string {
  const wireguardPublicKey = state.wireguard_public_key;
  return signWithMachineKey(state, setupStatement({ ...by, name, wireguardPublicKey }));
}

/** The same over a hello to the control plane. */
export function signHello(state: AgentState, nodeKey: string, instance: string): string {
  const nodeKeyHash = createHash("sha256").update(nodeKey).digest("hex");
  return signWithMachineKey(state, helloStatement({ nodeKeyHash, instance }));
}

function signWithMachineKey(state: AgentState, statement: string): string {
  const key = createPrivateKey({
    key: {
      kty: "OKP",
      crv: "Ed25519",
      d: Buffer.from(state.machine_private_key, "hex").toString("base64url"),
      x: Buffer.from(state.machine_key, "hex").toString("base64url"),
    },
    format: "jwk",
  });
  return sign(null, Buffer.from(statement), key).toString("hex");
}

function exportJwk(
  key: { export(options: { format: "jwk" }): { d?: unknown; x?: unknown } },
): { d: string; x: string } {
  const { d, x } = key.export({ format: "jwk" });
  if (typeof d !== "string" || typeof x !== "string") throw new Error("The runtime cannot export a private key");
  return { d, x };
}
