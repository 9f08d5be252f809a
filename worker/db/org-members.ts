import { and, eq, exists, inArray, type SQL, sql } from "drizzle-orm";
import type { Standing } from "#domain/org/people.ts";
import type { AuditLog } from "#protocol/api/audit-logs.ts";
import type { OrgMember, Role } from "#protocol/api/orgs.ts";
import type { OrgId, UserId } from "#protocol/ids.ts";
import { insertAuditLogIf } from "./audit-logs.ts";
import type { Database } from "./database.ts";
import { orgMembers } from "./schema/org-members.ts";
import { users } from "./schema/users.ts";

export async function findMember(db: Database, orgId: OrgId, userId: UserId): Promise<OrgMember | undefined> {
  const [row] = await db.select().from(orgMembers).where(isMember(orgId, userId));
  return row && showMember(row);
}

export async function listMembers(db: Database, orgId: OrgId): Promise<OrgMember[]> {
  const rows = await db.select().from(orgMembers).where(eq(orgMembers.orgId, orgId));
  return rows.map(showMember);
}

/*
 * Changes of a member hold the roles they were decided by against the rows: who acts may have lost theirs in between. As only
 * owners reach owners, and nobody reaches oneself, an org always keeps the one who acts.
 */

/** False when one of the two has got another role meanwhile. */
export async function saveRole(
  db: Database,
  by: Standing,
  member: OrgMember,
  role: Role,
  log: AuditLog,
): Promise<boolean> {
  const unchanged = bothStand(db, by, member);
  const [, saved] = await db.batch([
    insertAuditLogIf(db, log, unchanged),
    db.update(orgMembers).set({ role }).where(and(isMember(member.org_id, member.user_id), unchanged)).returning(),
  ]);
  return saved.length > 0;
}

/** False when one of the two has got another role meanwhile. */
export async function deleteMember(db: Database, by: Standing, member: OrgMember, log: AuditLog): Promise<boolean> {
  const unchanged = bothStand(db, by, member);
  const [, deleted] = await db.batch([
    insertAuditLogIf(db, log, unchanged),
    db.delete(orgMembers).where(and(isMember(member.org_id, member.user_id), unchanged)).returning(),
  ]);
  return deleted.length > 0;
}

function bothStand(db: Database, by: Standing, { org_id, user_id, role }: OrgMember): SQL {
  const stands = (userId: UserId, role: Role) =>
    exists(
      db.select({ one: sql`1` }).from(orgMembers).where(and(isMember(org_id, userId), eq(orgMembers.role, role))),
    );
  return sql`${stands(by.userId, by.role)} AND ${stands(user_id, role)}`;
}

function isMember(orgId: OrgId, userId: UserId): SQL | undefined {
  return and(eq(orgMembers.orgId, orgId), eq(orgMembers.userId, userId));
}

function showMember(row: typeof orgMembers.$inferSelect): OrgMember {
  return {
    org_id: row.orgId as OrgId,
    user_id: row.userId as UserId,
    role: row.role,
    created_at: new Date(row.createdAt).toISOString(),
  };
}

/** Who decides about the org's machines. */
export async function listAdminEmails(db: Database, orgId: OrgId): Promise<string[]> {
  const rows = await db.select({ email: users.email }).from(orgMembers).innerJoin(
    users,
    eq(users.id, orgMembers.userId),
  )
    .where(and(eq(orgMembers.orgId, orgId), inArray(orgMembers.role, ["owner", "admin"])));
  return rows.map(({ email }) => email);
}

/** The members with their names, the longest there first. */
export async function listPeople(db: Database, orgId: OrgId) {
  const rows = await db.select().from(orgMembers).innerJoin(users, eq(users.id, orgMembers.userId))
    .where(eq(orgMembers.orgId, orgId)).orderBy(orgMembers.createdAt, users.email);
  return rows.map(({ org_members: member, users: { email, fullName } }) => ({
    user_id: member.userId,
    email,
    full_name: fullName,
    role: member.role,
    created_at: new Date(member.createdAt).toISOString(),
  }));
}
