import { exportJWK, generateKeyPair } from "jose";

/**
 * Fresh secrets for one test run, as the deploy's bindings. Rate limits are off unless a test sets its own, and passwords
 * are cheap to hash: a few hundred people sign up.
 */
export async function testSecrets(): Promise<Record<"ZTNA_SECRET" | "ZTNA_JWT_KEY" | "ZTNA_LIMITS", string>> {
  const { privateKey } = await generateKeyPair("ES256", { extractable: true });
  const secret = crypto.getRandomValues(new Uint8Array(32));
  return {
    ZTNA_SECRET: [...secret].map((byte) => byte.toString(16).padStart(2, "0")).join(""),
    ZTNA_JWT_KEY: JSON.stringify(await exportJWK(privateKey)),
    ZTNA_LIMITS: JSON.stringify({
      register_per_ip: 0,
      register_per_key: 0,
      setup_per_user: 0,
      signup_per_ip: 0,
      login_per_ip: 0,
      login_per_email: 0,
      cli_login_per_user: 0,
      oauth_per_ip: 0,
      scrypt_log2_n: 10,
    }),
  };
}
