import { exportJWK, generateKeyPair } from "jose";
import { randomBytes } from "node:crypto";

/** Fresh secrets for one run of the Worker. */
export async function workerSecrets(): Promise<Record<"ZTNA_SECRET" | "ZTNA_JWT_KEY", string>> {
  const { privateKey } = await generateKeyPair("ES256", { extractable: true });
  return {
    ZTNA_SECRET: randomBytes(32).toString("hex"),
    ZTNA_JWT_KEY: JSON.stringify(await exportJWK(privateKey)),
  };
}
