import { and, eq } from "drizzle-orm";
import type { Database } from "./database.ts";
import { cliLogins } from "./schema/cli-logins.ts";
import { identities } from "./schema/identities.ts";
import { refreshTokens } from "./schema/refresh-tokens.ts";
import { users } from "./schema/users.ts";
import type { UserRow } from "./users.ts";

export type IdentityRow = typeof identities.$inferSelect;

/** The person behind an identity that has been here before. */
export async function findUserByIdentity(
  db: Database,
  { provider, subject }: Pick<IdentityRow, "provider" | "subject">,
): Promise<UserRow | undefined> {
  const [row] = await db.select().from(identities).innerJoin(users, eq(users.id, identities.userId))
    .where(and(eq(identities.provider, provider), eq(identities.subject, subject)));
  return row?.users;
}

export async function insertIdentity(db: Database, row: IdentityRow): Promise<void> {
  await db.insert(identities).values(row).onConflictDoNothing();
}

/**
 * Gives an account to the person whose e-mail address it has. Whoever made it has never shown that the address was theirs:
 * their password and their sessions end, or an account made in somebody's name would stay open to its maker.
 */
export async function claimAccount(db: Database, userId: string, now: number): Promise<void> {
  await db.batch([
    db.update(users).set({ passwordHash: null, emailVerifiedAt: now }).where(eq(users.id, userId)),
    db.delete(refreshTokens).where(eq(refreshTokens.userId, userId)),
    db.delete(cliLogins).where(eq(cliLogins.userId, userId)),
  ]);
}
