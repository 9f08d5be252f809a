import { and, count, desc, eq, exists, gt, lt, lte, notExists, type SQL, sql } from "drizzle-orm";
import type { AuditLog } from "#protocol/api/audit-logs.ts";
import type { Invitation } from "#protocol/api/invitations.ts";
import type { Organization } from "#protocol/api/orgs.ts";
import type { ErrorCode } from "#protocol/errors.ts";
import type { InvitationId, OrgId, UserId } from "#protocol/ids.ts";
import { insertAuditLogIf } from "./audit-logs.ts";
import type { Database } from "./database.ts";
import { showOrganization } from "./organizations.ts";
import { orgInvitations } from "./schema/org-invitations.ts";
import { orgMembers } from "./schema/org-members.ts";
import { organizations } from "./schema/organizations.ts";
import { users } from "./schema/users.ts";

type Row = typeof orgInvitations.$inferSelect;

/** An invitation that somebody holds the token of. */
export interface HeldInvitation extends Invitation {
  readonly organization: Organization;
}

/** Adds an invitation in one transaction with what it depends on, or says why not. */
export async function insertInvitation(
  db: Database,
  row: Omit<Row, "status">,
  mostUsers: number,
  log: AuditLog,
): Promise<ErrorCode | undefined> {
  const { orgId, email, createdAt: now } = row;
  const member = db.select({ one: sql`1` }).from(orgMembers).innerJoin(users, eq(users.id, orgMembers.userId))
    .where(and(eq(orgMembers.orgId, orgId), eq(users.email, email)));
  const ofEmail = and(eq(orgInvitations.orgId, orgId), eq(orgInvitations.email, email), isPending);
  const open = db.select({ one: sql`1` }).from(orgInvitations).where(and(ofEmail, gt(orgInvitations.expiresAt, now)));
  const added = db.select({ one: sql`1` }).from(orgInvitations).where(eq(orgInvitations.id, row.id));
  const seats = lt(seatsTaken(db, orgId, now), mostUsers);
  const values = sql`SELECT ${row.id}, ${orgId}, ${email}, ${row.role}, ${row.tokenHash}, 'pending', ${row.invitedBy},
    ${row.expiresAt}, ${now} WHERE ${and(notExists(member), notExists(open), seats)}`;
  const [, inserted] = await db.batch([
    db.delete(orgInvitations).where(and(ofEmail, lte(orgInvitations.expiresAt, now))),
    db.insert(orgInvitations).select(values).returning({ id: orgInvitations.id }),
    insertAuditLogIf(db, log, exists(added)),
  ]);
  if (inserted.length > 0) return undefined;
  if ((await member).length > 0) return "ALREADY_MEMBER";
  return (await open).length > 0 ? "DUPLICATE_INVITATION" : "PLAN_LIMIT_REACHED";
}

export async function listInvitations(db: Database, orgId: OrgId): Promise<Invitation[]> {
  const rows = await db.select().from(orgInvitations).where(eq(orgInvitations.orgId, orgId))
    .orderBy(desc(orgInvitations.createdAt));
  return rows.map(showInvitation);
}

export async function findInvitation(
  db: Database,
  orgId: OrgId,
  id: InvitationId,
): Promise<Invitation | undefined> {
  const [row] = await db.select().from(orgInvitations)
    .where(and(eq(orgInvitations.orgId, orgId), eq(orgInvitations.id, id)));
  return row && showInvitation(row);
}

/** The invitation of a token, as long as it is open. */
export async function findOpenInvitation(
  db: Database,
  tokenHash: string,
  now: number,
): Promise<HeldInvitation | undefined> {
  const [row] = await db.select().from(orgInvitations)
    .innerJoin(organizations, eq(organizations.id, orgInvitations.orgId)).where(isOpen(tokenHash, now));
  if (row === undefined) return undefined;
  return { ...showInvitation(row.org_invitations), organization: showOrganization(row.organizations) };
}

/** False when it is not pending any more. */
export async function revokeInvitation(db: Database, id: InvitationId, log: AuditLog): Promise<boolean> {
  const pending = and(eq(orgInvitations.id, id), isPending);
  const [, revoked] = await db.batch([
    insertAuditLogIf(db, log, exists(db.select({ one: sql`1` }).from(orgInvitations).where(pending))),
    db.update(orgInvitations).set({ status: "revoked" }).where(pending).returning(),
  ]);
  return revoked.length > 0;
}

/** Spends the token and adds the member together. False when somebody was faster, or the time is over. */
export async function redeemInvitation(
  db: Database,
  tokenHash: string,
  userId: UserId,
  now: number,
  log: AuditLog,
): Promise<boolean> {
  const open = isOpen(tokenHash, now);
  const member = db.select({
    orgId: orgInvitations.orgId,
    userId: sql`${userId}`.as("user_id"),
    role: orgInvitations.role,
    createdAt: sql`${now}`.as("created_at"),
  }).from(orgInvitations).where(open);
  const [, , spent] = await db.batch([
    db.insert(orgMembers).select(member).onConflictDoNothing(),
    insertAuditLogIf(db, log, exists(member)),
    db.update(orgInvitations).set({ status: "accepted" }).where(open).returning(),
  ]);
  return spent.length > 0;
}

const isPending = eq(orgInvitations.status, "pending");

function isOpen(tokenHash: string, now: number): SQL | undefined {
  return and(eq(orgInvitations.tokenHash, tokenHash), isPending, gt(orgInvitations.expiresAt, now));
}

/** Members, and those who may become members any moment. */
function seatsTaken(db: Database, orgId: OrgId | string, now: number): SQL<number> {
  const members = db.select({ n: count() }).from(orgMembers).where(eq(orgMembers.orgId, orgId));
  const invited = db.select({ n: count() }).from(orgInvitations)
    .where(and(eq(orgInvitations.orgId, orgId), isPending, gt(orgInvitations.expiresAt, now)));
  return sql<number>`(${members}) + (${invited})`;
}

function showInvitation(row: Row): Invitation {
  return {
    id: row.id as InvitationId,
    org_id: row.orgId as OrgId,
    email: row.email,
    role: row.role,
    status: row.status,
    invited_by: row.invitedBy as UserId | null,
    expires_at: new Date(row.expiresAt).toISOString(),
    created_at: new Date(row.createdAt).toISOString(),
  };
}
