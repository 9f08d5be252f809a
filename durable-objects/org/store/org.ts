import type { OrgSettings } from "#protocol/api/orgs.ts";
import type { OrgId } from "#protocol/ids.ts";

/** The org itself: its counters and settings, one row. */
export interface OrgRow {
  id: OrgId;
  name: string;
  slug: string;
  /** Counts every change of a row; the projection's cursor. */
  rev: number;
  /** The revision of the last change of the network map. */
  seq: number;
  /** Whoever has an older map than that of this revision needs a whole one: what it missed is not known any more. */
  map_floor: number;
  machine_count: number;
  /** The lowest address of the pool never leased so far. */
  next_address: number;
  /** The pool `next_address` belongs to. */
  leased_pool: string;
  allow_exit_nodes: number;
  allow_subnet_routing: number;
  key_expiry_days: number;
  posture_enforcement: OrgSettings["posture_enforcement"];
  reregistration: OrgSettings["reregistration"];
  approval_required: number;
  disable_offloads: number;
  machine_quota: number | null;
  address_pool: string | null;
}

/** The org with what the installation says about it. */
export interface ConfiguredOrg extends OrgRow {
  /** Milliseconds: how long a day is that `key_expiry_days` counts. */
  readonly key_day_ms: number;
}

export function insertOrg(sql: SqlStorage, org: { id: OrgId; name: string; slug: string }): void {
  sql.exec(
    "INSERT INTO org (one, id, name, slug, allow_exit_nodes) VALUES (1, ?, ?, ?, 0)",
    org.id,
    org.name,
    org.slug,
  );
}

export function findOrg(sql: SqlStorage): OrgRow | undefined {
  return sql.exec<Row<OrgRow>>("SELECT * FROM org").toArray()[0];
}

export function saveName(sql: SqlStorage, name: string): void {
  sql.exec("UPDATE org SET name = ?", name);
}

export function raiseMapFloor(sql: SqlStorage, rev: number): void {
  sql.exec("UPDATE org SET map_floor = max(map_floor, ?)", rev);
}

/** Saves the counters; settings have a writer of their own. */
export function saveCounters(sql: SqlStorage, org: OrgRow): void {
  sql.exec(
    "UPDATE org SET rev = ?, seq = ?, map_floor = ?, machine_count = ?, next_address = ?, leased_pool = ?",
    org.rev,
    org.seq,
    org.map_floor,
    org.machine_count,
    org.next_address,
    org.leased_pool,
  );
}

export function saveSettings(sql: SqlStorage, org: OrgRow): void {
  sql.exec(
    `UPDATE org SET allow_exit_nodes = ?, allow_subnet_routing = ?, key_expiry_days = ?, posture_enforcement = ?,
      reregistration = ?, approval_required = ?, disable_offloads = ?`,
    org.allow_exit_nodes,
    org.allow_subnet_routing,
    org.key_expiry_days,
    org.posture_enforcement,
    org.reregistration,
    org.approval_required,
    org.disable_offloads,
  );
}

export function settingsOf(org: OrgRow): OrgSettings {
  return {
    org_id: org.id,
    allow_exit_nodes: org.allow_exit_nodes === 1,
    allow_subnet_routing: org.allow_subnet_routing === 1,
    key_expiry_days: org.key_expiry_days,
    posture_enforcement: org.posture_enforcement,
    reregistration: org.reregistration,
    approval_required: org.approval_required === 1,
    disable_offloads: org.disable_offloads === 1,
    machine_quota: org.machine_quota,
    address_pool: org.address_pool,
  };
}

/** How long a node key lives from when it was issued. */
export function keyLifetimeMs({ key_expiry_days, key_day_ms }: ConfiguredOrg): number {
  return key_expiry_days * key_day_ms;
}

type Row<T> = { [K in keyof T]: T[K] };
