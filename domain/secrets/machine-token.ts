import { utf8ToBytes } from "@noble/hashes/utils.js";
import type { MachineId, OrgId } from "#protocol/ids.ts";
import { macFor } from "./keyed-mac.ts";

/**
 * A machine's token for the HTTP API: a JWT (RFC 7519) with HS256, because only this deploy ever verifies it.
 * Times in seconds.
 */
export function signMachineToken(
  root: Uint8Array,
  claims: { machineId: MachineId; orgId: OrgId; issuedAt: number; lifetime: number },
): string {
  const { machineId, orgId, issuedAt, lifetime } = claims;
  const payload = {
    sub: machineId,
    org: orgId,
    typ: "machine",
    iss: "quickztna",
    aud: "quickztna-api",
    iat: issuedAt,
    exp: issuedAt + lifetime,
  };
  const text = `${base64Url('{"alg":"HS256","typ":"JWT"}')}.${base64Url(JSON.stringify(payload))}`;
  const mac = macFor(root, "machine-token", utf8ToBytes(text));
  return `${text}.${base64Url(String.fromCharCode(...mac))}`;
}

function base64Url(latin1: string): string {
  return btoa(latin1).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
