import { importJWK, type JWK, jwtVerify, SignJWT } from "jose";
import * as v from "valibot";
import { ZtnaError } from "#protocol/errors.ts";
import { type SessionId, sessionIdSchema, userIdSchema } from "#protocol/ids.ts";
import type { Config } from "../config.ts";
import type { AppContext, SignedIn, User } from "../context.ts";
import { database } from "../db/database.ts";
import { findSignedIn } from "../db/users.ts";

const ISSUER = "quickztna";
const AUDIENCE = "quickztna-api";

/** What an access token says: who, and by which session. */
export interface AccessClaims extends User {
  readonly sessionId: SessionId;
}

/** Signs an access token (ES256) for one session of a person. */
export async function signAccessToken(config: Config, { id, email, sessionId }: AccessClaims): Promise<string> {
  const { privateKey } = await keys(config);
  return await new SignJWT({ email, sid: sessionId })
    .setProtectedHeader({ alg: "ES256", typ: "JWT" })
    .setSubject(id)
    .setIssuer(ISSUER)
    .setAudience(AUDIENCE)
    .setIssuedAt()
    .setExpirationTime(`${Math.ceil(config.timings.access_token_s)}s`)
    .sign(privateKey);
}

/**
 * The person of an access token, with what they may do where: one read, in which a session that somebody has ended, or an
 * account that is gone, shows as well.
 */
export async function requirePerson(c: AppContext, token: string): Promise<SignedIn> {
  const claims = await verifyAccessToken(c.get("config"), token);
  const person = await findSignedIn(database(c), claims.id, claims.sessionId);
  if (person === undefined) throw invalid();
  return { ...claims, ...person };
}

async function verifyAccessToken(config: Config, token: string): Promise<AccessClaims> {
  const { publicKey } = await keys(config);
  try {
    const { payload } = await jwtVerify(token, publicKey, {
      issuer: ISSUER,
      audience: AUDIENCE,
      algorithms: ["ES256"],
    });
    return v.parse(claimsSchema, payload);
  } catch (cause) {
    throw invalid(cause);
  }
}

const claimsSchema = v.pipe(
  v.object({ sub: userIdSchema, email: v.string(), sid: sessionIdSchema }),
  v.transform(({ sub, email, sid }): AccessClaims => ({ id: sub, email, sessionId: sid })),
);

function invalid(cause?: unknown): ZtnaError {
  return new ZtnaError("UNAUTHORIZED", "Invalid or expired token", { cause });
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
