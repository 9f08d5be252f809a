import { randomBytes, webcrypto } from "node:crypto";

/** The two secrets of a deploy; `wrangler.toml` says what they are for. */
export interface WorkerSecrets {
  readonly ZTNA_SECRET: string;
  readonly ZTNA_JWT_KEY: string;
}

export async function makeWorkerSecrets(): Promise<WorkerSecrets> {
  const pair = await webcrypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"]);
  const { kty, crv, x, y, d } = await webcrypto.subtle.exportKey("jwk", pair.privateKey);
  return { ZTNA_SECRET: randomBytes(32).toString("hex"), ZTNA_JWT_KEY: JSON.stringify({ kty, crv, x, y, d }) };
}
