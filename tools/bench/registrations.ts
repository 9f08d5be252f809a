import { createHash, generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { authKeyDigits, registrationStatement } from "#protocol/keys.ts";

/** Bodies of `register-machine` as the agent sends them: own WireGuard key, machine key and its signature. */
export function agentRegistrations(authKey: string, prefix: string, count: number): string[] {
  const authKeyHash = createHash("sha256").update(authKeyDigits(authKey)!).digest("hex");
  return Array.from({ length: count }, (_, index) => {
    const { publicKey, privateKey } = generateKeyPairSync("ed25519");
    const name = `${prefix}-${index}`;
    const wireguardPublicKey = randomBytes(32).toString("base64");
    const statement = registrationStatement({ authKeyHash, name, wireguardPublicKey });
    return JSON.stringify({
      auth_key: authKey,
      name,
      os: "linux",
      version: "0.1.0",
      wireguard_public_key: wireguardPublicKey,
      machine_key: Buffer.from(publicKey.export({ format: "jwk" }).x!, "base64url").toString("hex"),
      machine_key_signature: sign(null, Buffer.from(statement), privateKey).toString("hex"),
    });
  });
}

/** The least a caller can send: a key and a name; the server makes the WireGuard pair. */
export function bareRegistrations(authKey: string, prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => JSON.stringify({ auth_key: authKey, name: `${prefix}-${index}` }));
}
