import { and, eq, exists, ne, notExists, type SQL, sql } from "drizzle-orm";
import type { AuditLog } from "#protocol/api/audit-logs.ts";
import type { OrgId, UserId } from "#protocol/ids.ts";
import { insertAuditLogIf } from "./audit-logs.ts";
import type { Database } from "./database.ts";
import { orgInvitations } from "./schema/org-invitations.ts";
import { orgMembers } from "./schema/org-members.ts";
import { organizations } from "./schema/organizations.ts";
import { auditLogs } from "./schema/projections.ts";
import { users } from "./schema/users.ts";

/** The name of an org whose other members would be left without an owner. */
export async function findForsakenOrg(db: Database, id: UserId): Promise<string | undefined> {
  return (await forsakenOrgs(db, id))[0]?.name;
}

/** The orgs nobody else is in. */
export async function findLonelyOrgs(db: Database, id: UserId): Promise<OrgId[]> {
  const rows = await db.select({ id: organizations.id }).from(organizations).where(isLonely(db, id));
  return rows.map((row) => row.id as OrgId);
}

/**
 * Removes a person and what is theirs alone: sessions, memberships, orgs nobody else is in, invitations to them; and takes them
 * out of the audit logs. False, and nothing done, when an org would be forsaken.
 */
export async function deleteUser(
  db: Database,
  { id, email }: { readonly id: UserId; readonly email: string },
  leaving: readonly AuditLog[],
): Promise<boolean> {
  const may = notExists(forsakenOrgs(db, id));
  const isGone = notExists(db.select({ one: sql`1` }).from(users).where(eq(users.id, id)));
  const [, deleted] = await db.batch([
    db.delete(organizations).where(and(may, isLonely(db, id))),
    db.delete(users).where(and(may, eq(users.id, id))).returning({ id: users.id }),
    db.delete(orgInvitations).where(and(isGone, eq(orgInvitations.email, email))),
    db.update(auditLogs).set({ userId: null, details: sql`json_remove(${auditLogs.details}, '$.ip')` })
      .where(and(isGone, eq(auditLogs.userId, id))),
    db.update(auditLogs).set({ details: sql`json_remove(${auditLogs.details}, '$.email')` })
      .where(and(isGone, sql`${auditLogs.details}->>'$.email' = ${email}`)),
    ...leaving.map((log) => insertAuditLogIf(db, log, isGone)),
  ]);
  return deleted.length > 0;
}

function forsakenOrgs(db: Database, id: UserId) {
  const isOwner = eq(orgMembers.role, "owner");
  return db.select({ name: organizations.name }).from(organizations).where(and(
    exists(membersHere(db, and(eq(orgMembers.userId, id), isOwner))),
    exists(membersHere(db, ne(orgMembers.userId, id))),
    notExists(membersHere(db, and(ne(orgMembers.userId, id), isOwner))),
  ));
}

function isLonely(db: Database, id: UserId): SQL | undefined {
  return and(
    exists(membersHere(db, eq(orgMembers.userId, id))),
    notExists(membersHere(db, ne(orgMembers.userId, id))),
  );
}

/** Of the org that the query around it looks at. */
function membersHere(db: Database, which: SQL | undefined) {
  return db.select({ one: sql`1` }).from(orgMembers).where(and(eq(orgMembers.orgId, organizations.id), which));
}
