import { eq, sql } from "drizzle-orm";
import type { AuditLog } from "#protocol/api/audit-logs.ts";
import type { Organization, Role } from "#protocol/api/orgs.ts";
import type { OrgId, UserId } from "#protocol/ids.ts";
import { insertAuditLog } from "./audit-logs.ts";
import type { Database } from "./database.ts";
import { organizations } from "./schema/organizations.ts";
import { orgMembers } from "./schema/org-members.ts";

/** Adds an org and its owner together. False when the slug is taken. */
export async function insertOrganization(
  db: Database,
  org: { id: OrgId; name: string; slug: string; createdAt: number },
  owner: UserId,
): Promise<boolean> {
  const isAdded = eq(organizations.id, org.id);
  const [added] = await db.batch([
    db.insert(organizations).values(org).onConflictDoNothing({ target: organizations.slug }).returning(),
    db.insert(orgMembers).select(
      db.select({
        orgId: organizations.id,
        userId: sql`${owner}`.as("user_id"),
        role: sql`'owner'`.as("role"),
        createdAt: organizations.createdAt,
      }).from(organizations).where(isAdded),
    ),
  ]);
  return added.length > 0;
}

export async function isSlugTaken(db: Database, slug: string): Promise<boolean> {
  const found = await db.select({ id: organizations.id }).from(organizations).where(eq(organizations.slug, slug));
  return found.length > 0;
}

export async function findOrganization(db: Database, id: OrgId): Promise<Organization | undefined> {
  const [row] = await db.select().from(organizations).where(eq(organizations.id, id));
  return row && showOrganization(row);
}

export async function findOrganizationsOf(db: Database, user: UserId): Promise<(Organization & { role: Role })[]> {
  const rows = await db.select().from(orgMembers)
    .innerJoin(organizations, eq(organizations.id, orgMembers.orgId))
    .where(eq(orgMembers.userId, user)).orderBy(organizations.name);
  return rows.map((row) => ({ ...showOrganization(row.organizations), role: row.org_members.role }));
}

/** Undefined when there is no such org. */
export async function updateOrganization(
  db: Database,
  id: OrgId,
  changes: { name?: string | undefined; domain?: string | null | undefined },
  log: AuditLog,
): Promise<Organization | undefined> {
  const [[row]] = await db.batch([
    db.update(organizations).set(changes).where(eq(organizations.id, id)).returning(),
    insertAuditLog(db, log),
  ]);
  return row && showOrganization(row);
}

export function showOrganization(row: typeof organizations.$inferSelect): Organization {
  const { createdAt, id, ...rest } = row;
  return { ...rest, id: id as OrgId, created_at: new Date(createdAt).toISOString() };
}
