import { and, desc, eq, gte, lt, lte, type SQL, sql } from "drizzle-orm";
import type { AuditCriteria } from "#domain/audit/criteria.ts";
import type { AuditLog } from "#protocol/api/audit-logs.ts";
import type { OrgId, UserId } from "#protocol/ids.ts";
import type { Database } from "./database.ts";
import { auditLogs } from "./schema/projections.ts";

/** What is to be put on record about a change of rows whose truth is in D1. */
export interface AuditEntry {
  readonly orgId: OrgId;
  readonly action: string;
  readonly resourceType: string;
  readonly resourceId: string | null;
  readonly userId: UserId | null;
  readonly details: Record<string, unknown>;
  readonly now: number;
}

/** A record with an id of its own. `insertAuditLog` puts it into the batch of the change; the live channel `audit` tells it. */
export function newAuditLog({ orgId, action, resourceType, resourceId, userId, details, now }: AuditEntry): AuditLog {
  return {
    id: crypto.randomUUID(),
    org_id: orgId,
    action,
    resource_type: resourceType,
    resource_id: resourceId,
    user_id: userId,
    details,
    created_at: new Date(now).toISOString(),
  };
}

/** A statement for `db.batch`, so that no change is without its record and no record without its change. */
export function insertAuditLog(db: Database, log: AuditLog) {
  return db.insert(auditLogs).values({
    id: log.id,
    orgId: log.org_id,
    // Revisions are the org object's; a record made here never has another one.
    rev: 0,
    action: log.action,
    resourceType: log.resource_type,
    resourceId: log.resource_id,
    userId: log.user_id,
    details: JSON.stringify(log.details),
    createdAt: Date.parse(log.created_at),
  });
}

/**
 * The same for a change with a condition of its own: the record is written when that holds. It stands in the batch where the
 * condition has not been changed yet, or has become true.
 */
export function insertAuditLogIf(db: Database, log: AuditLog, condition: SQL) {
  const { id, org_id, action, resource_type, resource_id, user_id, created_at } = log;
  return db.insert(auditLogs).select(
    sql`SELECT ${id}, ${org_id}, 0, ${action}, ${resource_type}, ${resource_id}, ${user_id},
      ${JSON.stringify(log.details)}, ${Date.parse(created_at)} WHERE ${condition}`,
  );
}

/** Puts on record, in every org a person belongs to, what they did to their own account. */
export async function insertAuditLogOfUser(
  db: Database,
  { action, userId, details, now }: Pick<AuditEntry, "action" | "details" | "now"> & { readonly userId: string },
): Promise<void> {
  await db.run(sql`
    INSERT INTO audit_logs (id, org_id, rev, action, resource_type, resource_id, user_id, details, created_at)
    SELECT lower(hex(randomblob(16))), org_id, 0, ${action}, 'user', user_id, user_id, ${
    JSON.stringify(details)
  }, ${now}
    FROM org_members WHERE user_id = ${userId}`);
}

export interface StoredAuditLogs {
  readonly logs: AuditLog[];
  /** How many meet the criteria. */
  readonly total: number;
  readonly resourceTypes: string[];
  readonly actionCategories: string[];
}

/** Records of one org, newest first, without those whose ids are given: their like is still on its way here. */
export async function findAuditLogs(
  db: Database,
  orgId: OrgId,
  criteria: AuditCriteria,
  window: { readonly offset: number; readonly limit: number },
  without: readonly string[] = [],
): Promise<StoredAuditLogs> {
  const ofOrg = eq(auditLogs.orgId, orgId);
  const wanted = and(
    ofOrg,
    ...conditionsOf(criteria),
    sql`${auditLogs.id} NOT IN (SELECT value FROM json_each(${JSON.stringify(without)}))`,
  );
  const category = sql<string>`${categorySql}`;
  const [counted, rows, types, categories] = await db.batch([
    db.select({ total: sql<number>`count(*)` }).from(auditLogs).where(wanted),
    db.select().from(auditLogs).where(wanted)
      .orderBy(desc(auditLogs.createdAt), desc(auditLogs.rev), desc(auditLogs.id))
      .limit(window.limit).offset(window.offset),
    db.selectDistinct({ name: auditLogs.resourceType }).from(auditLogs).where(ofOrg),
    db.selectDistinct({ name: category }).from(auditLogs).where(ofOrg),
  ]);
  return {
    logs: rows.map(showAuditLog),
    total: counted[0]?.total ?? 0,
    resourceTypes: types.map(({ name }) => name),
    actionCategories: categories.map(({ name }) => name),
  };
}

/** Removes the records whose time is over. */
export function deleteAuditLogsBefore(db: Database, before: number) {
  return db.delete(auditLogs).where(lt(auditLogs.createdAt, before));
}

/** The same decision as `meetsCriteria` of domain/audit/criteria.ts. */
function conditionsOf({ action, category, resourceType, text, from, to }: AuditCriteria): SQL[] {
  return [
    action === undefined ? undefined : eq(auditLogs.action, action),
    category === undefined ? undefined : sql`${categorySql} = ${category}`,
    resourceType === undefined ? undefined : eq(auditLogs.resourceType, resourceType),
    text === undefined ? undefined : sql`instr(${searchableSql}, lower(${text})) > 0`,
    from === undefined ? undefined : gte(auditLogs.createdAt, from),
    to === undefined ? undefined : lte(auditLogs.createdAt, to),
  ].filter((condition) => condition !== undefined);
}

const categorySql = sql`substr(${auditLogs.action}, 1, instr(${auditLogs.action} || '.', '.') - 1)`;

const searchableSql = sql`lower(${auditLogs.action} || char(10) || ${auditLogs.resourceType} || char(10) ||
  coalesce(${auditLogs.resourceId}, '') || char(10) || coalesce(${auditLogs.userId}, '') || char(10) || ${auditLogs.details})`;

function showAuditLog(row: typeof auditLogs.$inferSelect): AuditLog {
  return {
    id: row.id,
    org_id: row.orgId as OrgId,
    action: row.action,
    resource_type: row.resourceType,
    resource_id: row.resourceId,
    user_id: row.userId as UserId | null,
    details: JSON.parse(row.details) as Record<string, unknown>,
    created_at: new Date(row.createdAt).toISOString(),
  };
}
