import { utf8ToBytes } from "@noble/hashes/utils.js";
import * as v from "valibot";
import { type MachineId, machineIdSchema, type OrgId, orgIdSchema } from "#protocol/ids.ts";
import { equalBytes, macFor } from "./keyed-mac.ts";

/** What a machine's token says of it. */
export interface MachineClaims {
  readonly machineId: MachineId;
  readonly orgId: OrgId;
  /** Names the node key the token was issued to: once that is replaced, the token is void. */
  readonly keyMark: string;
}

const HEADER = base64Url('{"alg":"HS256","typ":"JWT"}');

const payloadSchema = v.object({
  sub: machineIdSchema,
  org: orgIdSchema,
  key: v.string(),
  typ: v.literal("machine"),
  iss: v.literal("quickztna"),
  aud: v.literal("quickztna-api"),
  iat: v.number(),
  exp: v.number(),
});

/**
 * A machine's token for the HTTP API: a JWT (RFC 7519) with HS256, because only this deploy ever verifies it.
 * Times in seconds.
 */
export function signMachineToken(
  root: Uint8Array,
  claims: { machineId: MachineId; orgId: OrgId; nodeKeyHash: string; issuedAt: number; lifetime: number },
): string {
  const { machineId, orgId, nodeKeyHash, issuedAt, lifetime } = claims;
  const payload: v.InferOutput<typeof payloadSchema> = {
    sub: machineId,
    org: orgId,
    key: keyMarkOf(nodeKeyHash),
    typ: "machine",
    iss: "quickztna",
    aud: "quickztna-api",
    iat: issuedAt,
    exp: issuedAt + lifetime,
  };
  const text = `${HEADER}.${base64Url(JSON.stringify(payload))}`;
  return `${text}.${signatureOf(root, text)}`;
}

/** True for a text of the form of a machine's token, whoever signed it. */
export function isMachineToken(token: string): boolean {
  return token.startsWith(`${HEADER}.`);
}

/** What the token says, or undefined when it is not ours or its time is over. `now` in milliseconds. */
export function verifyMachineToken(root: Uint8Array, token: string, now: number): MachineClaims | undefined {
  const [header, payload, signature, ...rest] = token.split(".");
  if (header !== HEADER || payload === undefined || signature === undefined || rest.length > 0) return undefined;
  const expected = signatureOf(root, `${header}.${payload}`);
  if (!equalBytes(utf8ToBytes(signature), utf8ToBytes(expected))) return undefined;
  const parsed = v.safeParse(payloadSchema, JSON.parse(fromBase64Url(payload)));
  if (!parsed.success || parsed.output.exp * 1000 <= now) return undefined;
  const { sub, org, key } = parsed.output;
  return { machineId: sub, orgId: org, keyMark: key };
}

/** The first 16 digits of the node key's hash: enough to tell a machine's keys apart, of no use without the key. */
export function keyMarkOf(nodeKeyHash: string): string {
  return nodeKeyHash.slice(0, 16);
}

function signatureOf(root: Uint8Array, text: string): string {
  return base64Url(String.fromCharCode(...macFor(root, "machine-token", utf8ToBytes(text))));
}

function base64Url(latin1: string): string {
  return btoa(latin1).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function fromBase64Url(text: string): string {
  return atob(text.replaceAll("-", "+").replaceAll("_", "/"));
}
