import { eq, sql } from "drizzle-orm";
import type { UserId } from "#protocol/ids.ts";
import type { Database } from "./database.ts";
import { users } from "./schema/users.ts";

export type UserRow = typeof users.$inferSelect;

export async function findUserByEmail(db: Database, email: string): Promise<UserRow | undefined> {
  return (await db.select().from(users).where(eq(users.email, email)))[0];
}

export async function findUser(db: Database, id: UserId): Promise<UserRow | undefined> {
  return (await db.select().from(users).where(eq(users.id, id)))[0];
}

/** False when the e-mail is taken. */
export async function insertUser(db: Database, row: typeof users.$inferInsert): Promise<boolean> {
  const inserted = await db.insert(users).values(row).onConflictDoNothing({ target: users.email }).returning();
  return inserted.length > 0;
}

/** Counts a failed login; the one that reaches `most` locks the account until `lockUntil`. */
export async function recordFailedLogin(db: Database, id: string, most: number, lockUntil: number): Promise<void> {
  const reached = sql`${users.failedLogins} + 1 >= ${most}`;
  await db.update(users).set({
    failedLogins: sql`CASE WHEN ${reached} THEN 0 ELSE ${users.failedLogins} + 1 END`,
    lockedUntil: sql`CASE WHEN ${reached} THEN ${lockUntil} ELSE ${users.lockedUntil} END`,
  }).where(eq(users.id, id));
}

export async function clearFailedLogins(db: Database, id: string): Promise<void> {
  await db.update(users).set({ failedLogins: 0, lockedUntil: 0 }).where(eq(users.id, id));
}
