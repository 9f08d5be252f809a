import { importJWK, type JWK, jwtVerify, SignJWT } from "jose";
import { ZtnaError } from "#protocol/errors.ts";
import type { UserId } from "#protocol/ids.ts";
import type { Config } from "../config.ts";
import type { User } from "../context.ts";

const ISSUER = "quickztna";
const AUDIENCE = "quickztna-api";

/** Signs an access token (ES256) for one person. */
export async function signAccessToken(config: Config, user: User): Promise<string> {
  const { privateKey } = await keys(config);
  return await new SignJWT({ email: user.email })
    .setProtectedHeader({ alg: "ES256", typ: "JWT" })
    .setSubject(user.id)
    .setIssuer(ISSUER)
    .setAudience(AUDIENCE)
    .setIssuedAt()
    .setExpirationTime(`${Math.ceil(config.timings.access_token_s)}s`)
    .sign(privateKey);
}

export async function verifyAccessToken(config: Config, token: string): Promise<User> {
  const { publicKey } = await keys(config);
  try {
    const { payload } = await jwtVerify(token, publicKey, {
      issuer: ISSUER,
      audience: AUDIENCE,
      algorithms: ["ES256"],
    });
    if (typeof payload.sub === "string" && typeof payload["email"] === "string") {
      return { id: payload.sub as UserId, email: payload["email"] };
    }
  } catch (cause) {
    throw new ZtnaError("UNAUTHORIZED", "Invalid or expired token", { cause });
  }
  throw new ZtnaError("UNAUTHORIZED", "Invalid or expired token");
}

interface Keys {
  readonly privateKey: CryptoKey;
  readonly publicKey: CryptoKey;
}

const imported = new Map<string, Promise<Keys>>();

/** Importing costs more than signing: once per isolate and key. */
function keys(config: Config): Promise<Keys> {
  const known = imported.get(config.jwtKey) ?? importKeys(config.jwtKey);
  imported.set(config.jwtKey, known);
  return known;
}

async function importKeys(text: string): Promise<Keys> {
  const { d, ...publicJwk } = JSON.parse(text) as JWK;
  const privateKey = await importJWK({ ...publicJwk, d } as JWK, "ES256");
  const publicKey = await importJWK(publicJwk as JWK, "ES256");
  return { privateKey: privateKey as CryptoKey, publicKey: publicKey as CryptoKey };
}
