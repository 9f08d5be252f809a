import type { AuditLog } from "#protocol/api/audit-logs.ts";
import type { OrgId, UserId } from "#protocol/ids.ts";

/** An audit record on its way to D1; details are JSON. */
export type AuditRow = {
  rev: number;
  id: string;
  action: string;
  resource_type: string;
  resource_id: string | null;
  user_id: UserId | null;
  details: string;
  created_at: number;
};

export function insertAudit(sql: SqlStorage, row: AuditRow): void {
  sql.exec(
    `INSERT INTO audit_outbox (rev, id, action, resource_type, resource_id, user_id, details, created_at)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    row.rev,
    row.id,
    row.action,
    row.resource_type,
    row.resource_id,
    row.user_id,
    row.details,
    row.created_at,
  );
}

export function listAudits(sql: SqlStorage, limit: number): AuditRow[] {
  return sql.exec<AuditRow>("SELECT * FROM audit_outbox ORDER BY rev LIMIT ?", limit).toArray();
}

/** Forgets the records that D1 has. */
export function dropAudits(sql: SqlStorage, upToRev: number): void {
  sql.exec("DELETE FROM audit_outbox WHERE rev <= ?", upToRev);
}

/** The record as lists and events show it. */
export function auditOf(row: AuditRow, orgId: OrgId): AuditLog {
  return {
    id: row.id,
    org_id: orgId,
    action: row.action,
    resource_type: row.resource_type,
    resource_id: row.resource_id,
    user_id: row.user_id,
    details: JSON.parse(row.details) as Record<string, unknown>,
    created_at: new Date(row.created_at).toISOString(),
  };
}
