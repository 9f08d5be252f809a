import { and, eq, gt, isNull } from "drizzle-orm";
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
