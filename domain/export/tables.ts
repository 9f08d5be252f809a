import type { AuditLog } from "#protocol/api/audit-logs.ts";
import type { Machine } from "#protocol/api/machines.ts";
import { csvOf } from "./csv.ts";

/** Tags are separated by blanks, which no tag contains. */
export function machinesCsv(machines: readonly Machine[]): string {
  return csvOf(
    ["id", "name", "tailnet_ip", "os", "status", "last_seen", "has_key", "tags"],
    machines.map(({ id, name, tailnet_ip, os, status, last_seen, public_key, tags }) => [
      id,
      name,
      tailnet_ip,
      os,
      status,
      last_seen,
      public_key !== null && public_key !== "",
      tags.join(" "),
    ]),
  );
}

export function auditLogsCsv(logs: readonly AuditLog[]): string {
  return csvOf(
    ["id", "action", "resource_type", "resource_id", "user_id", "created_at", "details"],
    logs.map(({ id, action, resource_type, resource_id, user_id, created_at, details }) => [
      id,
      action,
      resource_type,
      resource_id,
      user_id,
      created_at,
      details,
    ]),
  );
}
