import { showIpv4 } from "#domain/addressing/ipv4.ts";
import type { OrgId } from "#protocol/ids.ts";
import { dropAudits, listAudits } from "./store/audit.ts";
import { listAuthKeysAfter } from "./store/auth-keys.ts";
import { projectedRev, saveProjectedRev } from "./store/cursors.ts";
import { dropDeletedMachines, listDeletedMachinesAfter, listMachinesAfter } from "./store/machines.ts";
import { raiseMapFloor } from "./store/org.ts";

const BATCH_ROWS = 500;
/** So many deleted machines are remembered for agents that were away. */
const KEPT_DELETED = 1_000;

/**
 * Copies what changed since the last time into D1: rows beyond each table's cursor, one statement a table. Doing it again
 * does no harm, because a row only ever replaces an older revision of itself. True when more may be left.
 */
export async function projectChanges(sql: SqlStorage, db: D1Database, orgId: OrgId): Promise<boolean> {
  const machines = listMachinesAfter(sql, projectedRev(sql, "machines"), BATCH_ROWS);
  const keys = listAuthKeysAfter(sql, projectedRev(sql, "auth_keys"), BATCH_ROWS);
  const audits = listAudits(sql, BATCH_ROWS);
  const deleted = listDeletedMachinesAfter(sql, projectedRev(sql, "deleted_machines"), BATCH_ROWS);
  const statements = [
    { statement: DELETE_MACHINES, rows: deleted },
    { statement: UPSERT_MACHINES, rows: machines.map((row) => ({ ...row, tailnet_ip: showIpv4(row.address) })) },
    { statement: UPSERT_AUTH_KEYS, rows: keys.map(({ hash: _, ...row }) => row) },
    { statement: INSERT_AUDIT_LOGS, rows: audits },
  ].filter(({ rows }) => rows.length > 0);
  if (statements.length === 0) return false;
  await db.batch(statements.map(({ statement, rows }) => db.prepare(statement).bind(orgId, JSON.stringify(rows))));
  const [machine, key, audit] = [machines.at(-1), keys.at(-1), audits.at(-1)];
  if (machine !== undefined) saveProjectedRev(sql, "machines", machine.rev);
  if (key !== undefined) saveProjectedRev(sql, "auth_keys", key.rev);
  if (audit !== undefined) dropAudits(sql, audit.rev);
  if (deleted.length > 0) forgetDeleted(sql, deleted.at(-1)!.rev);
  return [machines, keys, audits, deleted].some((rows) => rows.length === BATCH_ROWS);
}

function forgetDeleted(sql: SqlStorage, projected: number): void {
  saveProjectedRev(sql, "deleted_machines", projected);
  const forgotten = dropDeletedMachines(sql, projected, KEPT_DELETED);
  if (forgotten !== undefined) raiseMapFloor(sql, forgotten);
}

const UPSERT_MACHINES = upsert("machines", [
  "id",
  "rev",
  "name",
  "os",
  "status",
  "tailnet_ip",
  "public_key",
  "owner_id",
  "auth_key_id",
  "ephemeral",
  "tags",
  "version",
  "endpoints",
  "relay_region",
  "admin_disabled",
  "last_seen",
  "created_at",
  "os_version_detail",
  "public_endpoint",
  "client_connectivity",
  "derp_latencies",
  "key_expiry_disabled",
  "key_expired",
  "shields_up",
  "ssh_enabled",
  "accept_routes",
  "advertise_exit_node",
  "exit_node_approved",
  "advertised_routes",
  "approved_routes",
  "approved_by",
  "approved_at",
  "key_created_at",
]);

const UPSERT_AUTH_KEYS = upsert("auth_keys", [
  "id",
  "rev",
  "name",
  "key_prefix",
  "reusable",
  "ephemeral",
  "used_count",
  "expires_at",
  "revoked",
  "allowed_tags",
  "allowed_cidrs",
  "created_by",
  "created_at",
]);

const INSERT_AUDIT_LOGS = upsert("audit_logs", [
  "id",
  "rev",
  "action",
  "resource_type",
  "resource_id",
  "user_id",
  "details",
  "created_at",
]);

/** An id is never used again: a machine that comes back is another one. */
const DELETE_MACHINES = `DELETE FROM machines WHERE org_id = ?1 AND id IN (SELECT value->>'id' FROM json_each(?2))`;

/** Parameters: the org's id, and the rows as one JSON array. `WHERE true` tells SQLite's parser that no join follows. */
function upsert(table: string, columns: readonly string[]): string {
  const values = columns.map((column) => `value->>'${column}'`).join(", ");
  const changes = columns.slice(1).map((column) => `${column} = excluded.${column}`).join(", ");
  return `INSERT INTO ${table} (org_id, ${columns.join(", ")}) SELECT ?1, ${values} FROM json_each(?2) WHERE true
    ON CONFLICT (id) DO UPDATE SET ${changes} WHERE excluded.rev > ${table}.rev`;
}
