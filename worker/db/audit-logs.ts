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
