import { randomBytes } from "node:crypto";
import { secretHash } from "#domain/secrets/routed-secret.ts";
import type { Session } from "#protocol/api/auth.ts";
import type { SessionId } from "#protocol/ids.ts";
import type { AppContext, User } from "../context.ts";
import { database } from "../db/database.ts";
import { insertRefreshToken } from "../db/refresh-tokens.ts";
import { clientIp } from "./client-ip.ts";
import { setRefreshCookie } from "./refresh-cookie.ts";
import { signAccessToken } from "./session.ts";

const MOST_AGENT_CHARS = 300;

/** What stays the same of a session while its tokens are renewed. */
export interface Going {
  readonly family: string;
  readonly startedAt: number;
}

/** Opens a session, or renews one: an access token, and a refresh token of which the hash alone is kept. */
export async function openSession(c: AppContext, user: User, going?: Going): Promise<Session> {
  const { timings } = c.get("config");
  const now = Date.now();
  const { family, startedAt } = going ?? { family: crypto.randomUUID(), startedAt: now };
  const refreshToken = randomBytes(32).toString("hex");
  await insertRefreshToken(database(c), {
    hash: secretHash(refreshToken),
    family,
    userId: user.id,
    expiresAt: now + timings.refresh_token_s * 1000,
    createdAt: now,
    startedAt,
    ip: clientIp(c),
    userAgent: c.req.header("user-agent")?.slice(0, MOST_AGENT_CHARS) ?? null,
  });
  setRefreshCookie(c, refreshToken);
  const token = await signAccessToken(c.get("config"), { ...user, sessionId: family as SessionId });
  return { token, access_token: token, refresh_token: refreshToken, expires_in: timings.access_token_s, user };
}
