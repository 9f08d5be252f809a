import { and, desc, eq, gt, isNull, ne } from "drizzle-orm";
import type { SessionEntry } from "#protocol/api/sessions.ts";
import type { SessionId, UserId } from "#protocol/ids.ts";
import type { Database } from "./database.ts";
import { refreshTokens } from "./schema/refresh-tokens.ts";

export type RefreshTokenRow = typeof refreshTokens.$inferSelect;

export async function insertRefreshToken(db: Database, row: typeof refreshTokens.$inferInsert): Promise<void> {
  await db.insert(refreshTokens).values(row);
}

/** Marks a live token as used and returns it, in one statement: of two at once only one succeeds. */
export async function redeemRefreshToken(
  db: Database,
  hash: string,
  now: number,
): Promise<RefreshTokenRow | undefined> {
  const live = and(eq(refreshTokens.hash, hash), isNull(refreshTokens.usedAt), gt(refreshTokens.expiresAt, now));
  return (await db.update(refreshTokens).set({ usedAt: now }).where(live).returning())[0];
}

/** Ends the whole family of a token, known or used. */
export async function deleteRefreshTokenFamily(db: Database, hash: string): Promise<void> {
  const [token] = await db.select().from(refreshTokens).where(eq(refreshTokens.hash, hash));
  if (token !== undefined) await db.delete(refreshTokens).where(eq(refreshTokens.family, token.family));
}

/** The sessions of a person that can still be renewed, the last used one first. */
export async function listSessions(
  db: Database,
  userId: UserId,
  now: number,
): Promise<Omit<SessionEntry, "current">[]> {
  const live = and(eq(refreshTokens.userId, userId), isNull(refreshTokens.usedAt), gt(refreshTokens.expiresAt, now));
  const rows = await db.select().from(refreshTokens).where(live).orderBy(desc(refreshTokens.createdAt));
  return rows.map((row) => ({
    id: row.family as SessionId,
    created_at: new Date(row.startedAt).toISOString(),
    last_used_at: new Date(row.createdAt).toISOString(),
    ip: row.ip,
    user_agent: row.userAgent,
  }));
}

/** True when the session was opened after that time. */
export async function isSessionYounger(db: Database, id: SessionId, than: number): Promise<boolean> {
  const young = and(eq(refreshTokens.family, id), gt(refreshTokens.startedAt, than));
  return (await db.select({ family: refreshTokens.family }).from(refreshTokens).where(young).limit(1)).length > 0;
}

/** False when the person has no such session. */
export async function deleteSession(db: Database, userId: UserId, id: SessionId): Promise<boolean> {
  const own = and(eq(refreshTokens.userId, userId), eq(refreshTokens.family, id));
  return (await db.delete(refreshTokens).where(own).returning({ family: refreshTokens.family })).length > 0;
}

/** Ends all sessions of a person but one; answers how many those were. */
export async function deleteOtherSessions(db: Database, userId: UserId, kept: SessionId): Promise<number> {
  const others = and(eq(refreshTokens.userId, userId), ne(refreshTokens.family, kept));
  const gone = await db.delete(refreshTokens).where(others).returning({ family: refreshTokens.family });
  return new Set(gone.map(({ family }) => family)).size;
}
