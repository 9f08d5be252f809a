import { and, eq } from "drizzle-orm";
import type { Role } from "#protocol/api/orgs.ts";
import type { OrgId, UserId } from "#protocol/ids.ts";
import type { Database } from "./database.ts";
import { orgMembers } from "./schema/org-members.ts";

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
