import { and, eq } from "drizzle-orm";
import type { Role } from "#protocol/api/orgs.ts";
import type { OrgId, UserId } from "#protocol/ids.ts";
import type { Database } from "./database.ts";
import { orgMembers } from "./schema/org-members.ts";
import { users } from "./schema/users.ts";

export async function findRole(db: Database, orgId: OrgId, userId: UserId): Promise<Role | undefined> {
  const rows = await db.select({ role: orgMembers.role }).from(orgMembers)
    .where(and(eq(orgMembers.orgId, orgId), eq(orgMembers.userId, userId)));
  return rows[0]?.role;
}

export async function listMembers(db: Database, orgId: OrgId) {
  const rows = await db.select().from(orgMembers).where(eq(orgMembers.orgId, orgId));
  return rows.map((row) => ({
    org_id: row.orgId,
    user_id: row.userId,
    role: row.role,
    created_at: new Date(row.createdAt).toISOString(),
  }));
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
