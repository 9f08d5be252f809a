import { nextRev } from "./meta.ts";

export interface AuditEntry {
  readonly action: string;
  readonly resourceType: "machine" | "auth_key";
  readonly resourceId: string;
  readonly userId: string | null;
  readonly details: Record<string, unknown>;
}

export function insertAudit(sql: SqlStorage, entry: AuditEntry, now: number): void {
  const { action, resourceType, resourceId, userId, details } = entry;
  sql.exec(
    `INSERT INTO audit_logs (rev, id, action, resource_type, resource_id, user_id, details, created_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    nextRev(sql),
    crypto.randomUUID(),
    action,
    resourceType,
    resourceId,
    userId,
    JSON.stringify(details),
    now,
  );
}
