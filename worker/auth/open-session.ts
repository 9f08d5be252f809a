import { randomBytes } from "node:crypto";
import { secretHash } from "#domain/secrets/routed-secret.ts";
import type { Session } from "#protocol/api/auth.ts";
import type { AppContext, User } from "../context.ts";
import { database } from "../db/database.ts";
import { insertRefreshToken } from "../db/refresh-tokens.ts";
import { setRefreshCookie } from "./refresh-cookie.ts";
import { signAccessToken } from "./session.ts";

/** Opens a session, or goes on with the one of `family`: an access token, and a refresh token of which the hash is kept. */
export async function openSession(c: AppContext, user: User, family: string = crypto.randomUUID()): Promise<Session> {
  const { timings } = c.get("config");
  const now = Date.now();
  const refreshToken = randomBytes(32).toString("hex");
  const expiresAt = now + timings.refresh_token_s * 1000;
  await insertRefreshToken(database(c), {
    hash: secretHash(refreshToken),
    family,
    userId: user.id,
    expiresAt,
    createdAt: now,
  });
  setRefreshCookie(c, refreshToken);
  const token = await signAccessToken(c.get("config"), user);
  return { token, access_token: token, refresh_token: refreshToken, expires_in: timings.access_token_s, user };
}
