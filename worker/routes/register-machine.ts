import { randomBytes } from "node:crypto";
import { hexToBytes, utf8ToBytes } from "@noble/hashes/utils.js";
import type { Hono } from "hono";
import { signMachineToken } from "#domain/secrets/machine-token.ts";
import { mintRoutedSecret, RANDOM_BYTES, routingTagOf, secretHash } from "#domain/secrets/routed-secret.ts";
import type { RequestOf } from "#protocol/api/endpoint.ts";
import { registerMachine } from "#protocol/api/machines.ts";
import { ZtnaError } from "#protocol/errors.ts";
import { authKeyDigits, type NodeKey, registrationStatement } from "#protocol/keys.ts";
import { clientIp } from "../auth/client-ip.ts";
import type { AppEnv } from "../context.ts";
import { mount } from "../http/mount.ts";
import { unwrap } from "../http/unwrap.ts";

export function registerMachineRoutes(app: Hono<AppEnv>): void {
  mount(app, registerMachine, async (input, c) => {
    const { secret, timings } = c.get("config");
    const digits = authKeyDigits(input.auth_key);
    const tag = digits === undefined ? undefined : routingTagOf(secret, "auth-key", digits);
    if (digits === undefined || tag === undefined) throw new ZtnaError("INVALID_KEY");
    const authKeyHash = secretHash(digits);
    const pair = await keyPair(input);
    await verifyMachineKey(input, authKeyHash);
    const nodeKey = mintRoutedSecret(secret, "node-key", tag, randomBytes(RANDOM_BYTES));
    const machine = unwrap(
      await c.env.ORG.getByName(tag).register({
        authKeyHash,
        nodeKeyHash: secretHash(nodeKey),
        name: input.name,
        clientIp: clientIp(c),
        os: input.os,
        version: input.version,
        tags: input.tags,
        wireguardPublicKey: pair.publicKey,
        machineKey: input.machine_key,
      }),
    );
    const { machineId, orgId } = machine;
    const lifetime = timings.machine_token_s;
    return {
      machine_id: machineId,
      tailnet_ip: machine.tailnetIp,
      org_id: orgId,
      name: machine.name,
      node_key: nodeKey as NodeKey,
      status: machine.status,
      wg_public_key: pair.publicKey,
      wg_private_key: pair.privateKey,
      token: signMachineToken(secret, { machineId, orgId, issuedAt: Math.floor(Date.now() / 1000), lifetime }),
      refresh_token: "" as const,
      expires_in: lifetime,
      reactivated: machine.reactivated,
    };
  });
}

type Input = RequestOf<typeof registerMachine>;

/** The caller's WireGuard key, or a new pair for one that sent none (the contract's C12); that pair is not stored. */
async function keyPair(input: Input): Promise<{ publicKey: string; privateKey: string }> {
  if (input.wireguard_public_key !== undefined) return { publicKey: input.wireguard_public_key, privateKey: "" };
  const pair = await crypto.subtle.generateKey("X25519", true, ["deriveBits"]) as CryptoKeyPair;
  const publicKey = await crypto.subtle.exportKey("raw", pair.publicKey) as ArrayBuffer;
  const pkcs8 = await crypto.subtle.exportKey("pkcs8", pair.privateKey) as ArrayBuffer;
  // RFC 8410: the 32 bytes of the key are the last ones of its PKCS #8 form.
  return { publicKey: base64(new Uint8Array(publicKey)), privateKey: base64(new Uint8Array(pkcs8).slice(-32)) };
}

async function verifyMachineKey(input: Input, authKeyHash: string): Promise<void> {
  if (input.machine_key === undefined) return;
  if (input.machine_key_signature === undefined) {
    throw new ZtnaError("MISSING_FIELDS", "machine_key_signature required");
  }
  const { name, wireguard_public_key: wireguardPublicKey = "" } = input;
  const statement = utf8ToBytes(registrationStatement({ authKeyHash, name, wireguardPublicKey }));
  const signature = hexToBytes(input.machine_key_signature);
  if (await isSigned(hexToBytes(input.machine_key), signature, statement)) return;
  throw new ZtnaError("INVALID_INPUT", "machine_key_signature does not match");
}

async function isSigned(publicKey: Uint8Array, signature: Uint8Array, statement: Uint8Array): Promise<boolean> {
  try {
    const key = await crypto.subtle.importKey("raw", publicKey as BufferSource, "Ed25519", false, ["verify"]);
    return await crypto.subtle.verify("Ed25519", key, signature as BufferSource, statement as BufferSource);
  } catch {
    return false;
  }
}

function base64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}
