import { and, eq, exists, sql } from "drizzle-orm";
import type { Role } from "#protocol/api/orgs.ts";
import type { OrgId, SessionId, UserId } from "#protocol/ids.ts";
import type { Database } from "./database.ts";
import { orgMembers } from "./schema/org-members.ts";
import { refreshTokens } from "./schema/refresh-tokens.ts";
import { users } from "./schema/users.ts";

export type UserRow = typeof users.$inferSelect;

export async function findUserByEmail(db: Database, email: string): Promise<UserRow | undefined> {
  return (await db.select().from(users).where(eq(users.email, email)))[0];
}

export async function findUser(db: Database, id: UserId): Promise<UserRow | undefined> {
  return (await db.select().from(users).where(eq(users.id, id)))[0];
}

/** The person of a session that is not over, with their role in each of their orgs. */
export async function findSignedIn(
  db: Database,
  id: UserId,
  sessionId: SessionId,
): Promise<{ email: string; roles: ReadonlyMap<OrgId, Role> } | undefined> {
  const session = db.select({ one: sql`1` }).from(refreshTokens)
    .where(and(eq(refreshTokens.family, sessionId), eq(refreshTokens.userId, id)));
  const rows = await db.select({ email: users.email, orgId: orgMembers.orgId, role: orgMembers.role }).from(users)
    .leftJoin(orgMembers, eq(orgMembers.userId, users.id)).where(and(eq(users.id, id), exists(session)));
  if (rows[0] === undefined) return undefined;
  const roles = rows.flatMap(({ orgId, role }) =>
    orgId === null || role === null ? [] : [[orgId as OrgId, role] as const]
  );
  return { email: rows[0].email, roles: new Map(roles) };
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

export async function saveFullName(db: Database, id: UserId, fullName: string | null): Promise<UserRow | undefined> {
  return (await db.update(users).set({ fullName }).where(eq(users.id, id)).returning())[0];
}

/** Sets the password and ends every session of before, together. */
export async function savePassword(db: Database, id: UserId, passwordHash: string): Promise<void> {
  await db.batch([
    db.update(users).set({ passwordHash, failedLogins: 0, lockedUntil: 0 }).where(eq(users.id, id)),
    db.delete(refreshTokens).where(eq(refreshTokens.userId, id)),
  ]);
}
