import type { OrgId } from "#protocol/ids.ts";
import { type AuthKeyRow, showAuthKey } from "./store/auth-keys.ts";
import { type MachineRow, showMachine } from "./store/machines.ts";
import { readMeta, readNumber, writeMeta } from "./store/meta.ts";

const BATCH_ROWS = 500;

/**
 * Copies what changed since the last time into D1: rows with `rev > synced_rev`, one statement a table. Doing it again does
 * no harm, because a row only ever replaces an older revision of itself. True when more is left.
 */
export async function projectChanges(sql: SqlStorage, db: D1Database): Promise<boolean> {
  const orgId = readMeta(sql, "org_id") as OrgId;
  const since = readNumber(sql, "synced_rev");
  const until = lastRevOfBatch(sql, since);
  if (until === undefined) return false;
  const range = [since, until] as const;
  const machines = sql.exec<MachineRow>("SELECT * FROM machines WHERE rev > ? AND rev <= ?", ...range).toArray();
  const keys = sql.exec<AuthKeyRow>("SELECT * FROM auth_keys WHERE rev > ? AND rev <= ?", ...range).toArray();
  const audit = sql.exec("SELECT * FROM audit_logs WHERE rev > ? AND rev <= ?", ...range).toArray();
  const machineBodies = machines.map((row) => ({ rev: row.rev, body: showMachine(row, orgId) }));
  const keyBodies = keys.map((row) => ({ rev: row.rev, body: showAuthKey(row, orgId) }));
  await db.batch([
    db.prepare(UPSERT_MACHINES).bind(orgId, JSON.stringify(machineBodies)),
    db.prepare(UPSERT_AUTH_KEYS).bind(orgId, JSON.stringify(keyBodies)),
    db.prepare(INSERT_AUDIT_LOGS).bind(orgId, JSON.stringify(audit)),
  ]);
  writeMeta(sql, "synced_rev", until);
  return until < readNumber(sql, "rev");
}

/** The highest revision a batch starting after `since` may reach, or undefined when nothing changed. */
function lastRevOfBatch(sql: SqlStorage, since: number): number | undefined {
  const last = readNumber(sql, "rev");
  return last > since ? Math.min(last, since + BATCH_ROWS) : undefined;
}

const UPSERT_MACHINES = `
  INSERT INTO machines (id, org_id, rev, name, status, tailnet_ip, body)
  SELECT value->>'$.body.id', ?1, value->>'$.rev', value->>'$.body.name', value->>'$.body.status',
    value->>'$.body.tailnet_ip', value->'$.body'
  FROM json_each(?2) WHERE true
  ON CONFLICT (id) DO UPDATE SET rev = excluded.rev, name = excluded.name, status = excluded.status,
    tailnet_ip = excluded.tailnet_ip, body = excluded.body
  WHERE excluded.rev >= machines.rev`;

const UPSERT_AUTH_KEYS = `
  INSERT INTO auth_keys (id, org_id, rev, body)
  SELECT value->>'$.body.id', ?1, value->>'$.rev', value->'$.body' FROM json_each(?2) WHERE true
  ON CONFLICT (id) DO UPDATE SET rev = excluded.rev, body = excluded.body WHERE excluded.rev >= auth_keys.rev`;

const INSERT_AUDIT_LOGS = `
  INSERT INTO audit_logs (id, org_id, rev, action, resource_type, resource_id, user_id, details, created_at)
  SELECT value->>'$.id', ?1, value->>'$.rev', value->>'$.action', value->>'$.resource_type', value->>'$.resource_id',
    value->>'$.user_id', value->>'$.details', value->>'$.created_at'
  FROM json_each(?2) WHERE true
  ON CONFLICT (id) DO NOTHING`;
