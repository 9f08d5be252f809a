import { hexToBytes, utf8ToBytes } from "@noble/hashes/utils.js";
import { signMachineToken } from "#domain/secrets/machine-token.ts";
import { secretHash } from "#domain/secrets/routed-secret.ts";
import type { RequestOf, ResponseOf } from "#protocol/api/endpoint.ts";
import type { registerMachine } from "#protocol/api/machines.ts";
import { ZtnaError } from "#protocol/errors.ts";
import type { MachineId, OrgId } from "#protocol/ids.ts";
import type { NodeKey } from "#protocol/keys.ts";
import type { Config } from "../config.ts";

/** What every way to enrol a machine asks, verifies and answers. */

type Asked = RequestOf<typeof registerMachine>;
type Answered = ResponseOf<typeof registerMachine>;

export interface KeyPair {
  readonly publicKey: string;
  readonly privateKey: string;
}

/** The caller's WireGuard key, or a new pair for one that sent none (the contract's C12); that pair is not stored. */
export async function wireGuardPair(input: Pick<Asked, "wireguard_public_key">): Promise<KeyPair> {
  if (input.wireguard_public_key !== undefined) return { publicKey: input.wireguard_public_key, privateKey: "" };
  const pair = await crypto.subtle.generateKey("X25519", true, ["deriveBits"]) as CryptoKeyPair;
  const publicKey = await crypto.subtle.exportKey("raw", pair.publicKey) as ArrayBuffer;
  const pkcs8 = await crypto.subtle.exportKey("pkcs8", pair.privateKey) as ArrayBuffer;
  // RFC 8410: the 32 bytes of the key are the last ones of its PKCS #8 form.
  return { publicKey: base64(new Uint8Array(publicKey)), privateKey: base64(new Uint8Array(pkcs8).slice(-32)) };
}

/** Refuses a machine key whose signature over the statement is missing or another's. */
export async function verifyMachineKey(
  input: Pick<Asked, "machine_key" | "machine_key_signature">,
  statement: () => string,
): Promise<void> {
  if (input.machine_key === undefined) return;
  if (input.machine_key_signature === undefined) {
    throw new ZtnaError("MISSING_FIELDS", "machine_key_signature required");
  }
  const signature = hexToBytes(input.machine_key_signature);
  if (await isSigned(hexToBytes(input.machine_key), signature, utf8ToBytes(statement()))) return;
  throw new ZtnaError("INVALID_INPUT", "machine_key_signature does not match");
}

interface Registered {
  readonly machineId: MachineId;
  readonly orgId: OrgId;
  readonly name: string;
  readonly tailnetIp: string;
  readonly status: Answered["status"];
  readonly reactivated: boolean;
  readonly postureCompliant: boolean | undefined;
}

/** The answer to a machine that has been let in, with the credentials only it may see. */
export function showRegistration(config: Config, machine: Registered, nodeKey: string, pair: KeyPair): Answered {
  const { machineId, orgId } = machine;
  const lifetime = config.timings.machine_token_s;
  const issuedAt = Math.floor(Date.now() / 1000);
  return {
    machine_id: machineId,
    tailnet_ip: machine.tailnetIp,
    org_id: orgId,
    name: machine.name,
    node_key: nodeKey as NodeKey,
    status: machine.status,
    wg_public_key: pair.publicKey,
    wg_private_key: pair.privateKey,
    token: signMachineToken(config.secret, { machineId, orgId, nodeKeyHash: secretHash(nodeKey), issuedAt, lifetime }),
    refresh_token: "" as const,
    expires_in: lifetime,
    reactivated: machine.reactivated,
    ...(machine.postureCompliant !== undefined && { posture_compliant: machine.postureCompliant }),
  };
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
