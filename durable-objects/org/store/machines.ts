import { showIpv4 } from "#domain/addressing/ipv4.ts";
import type { NodeKeyAge } from "#domain/machine/key-expiry.ts";
import { type MachineEvent, type MachineState, stateOn } from "#domain/machine/state.ts";
import type { Machine, MachineStatus } from "#protocol/api/machines.ts";
import type { AuthKeyId, MachineId, OrgId, UserId } from "#protocol/ids.ts";

/** A machine as the object keeps it: times in milliseconds, lists as JSON. */
export type MachineRow = {
  address: number;
  id: MachineId;
  rev: number;
  name: string;
  os: string | null;
  status: MachineStatus;
  public_key: string;
  owner_id: UserId | null;
  auth_key_id: AuthKeyId | null;
  ephemeral: number;
  tags: string;
  version: string | null;
  endpoints: string;
  relay_region: string | null;
  admin_disabled: number;
  machine_key: string | null;
  node_key_hash: string;
  /** The node key before, when the same installation has registered again. */
  previous_node_key_hash: string | null;
  last_seen: number;
  key_created_at: number;
  created_at: number;
  os_version_detail: string | null;
  public_endpoint: string | null;
  client_connectivity: string | null;
  derp_latencies: string | null;
  key_expiry_disabled: number;
  shields_up: number;
  ssh_enabled: number;
  accept_routes: number;
  advertise_exit_node: number;
  exit_node_approved: number;
  advertised_routes: string;
  approved_routes: string;
  approved_by: UserId | null;
  approved_at: number | null;
  /** What it last said of how it is kept, as JSON. */
  posture: string | null;
  /** Set once the end of its node key was dealt with: it is off the network. */
  key_expired: number;
};

const columns = [
  "address",
  "id",
  "rev",
  "name",
  "os",
  "status",
  "public_key",
  "owner_id",
  "auth_key_id",
  "ephemeral",
  "tags",
  "version",
  "endpoints",
  "relay_region",
  "admin_disabled",
  "machine_key",
  "node_key_hash",
  "previous_node_key_hash",
  "last_seen",
  "key_created_at",
  "created_at",
  "os_version_detail",
  "public_endpoint",
  "client_connectivity",
  "derp_latencies",
  "key_expiry_disabled",
  "shields_up",
  "ssh_enabled",
  "accept_routes",
  "advertise_exit_node",
  "exit_node_approved",
  "advertised_routes",
  "approved_routes",
  "approved_by",
  "approved_at",
  "key_expired",
  "posture",
] as const satisfies (keyof MachineRow)[];

const insertStatement = `INSERT INTO machines (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})`;
const updateStatement = `UPDATE machines SET ${columns.slice(1).map((column) => `${column} = ?`).join(", ")}
  WHERE address = ?`;

export function insertMachine(sql: SqlStorage, row: MachineRow): void {
  sql.exec(insertStatement, ...columns.map((column) => row[column]));
}

export function saveMachine(sql: SqlStorage, row: MachineRow): void {
  sql.exec(updateStatement, ...columns.slice(1).map((column) => row[column]), row.address);
}

/** Leaves a mark for D1, and for agents that are away. The address is the caller's to release. */
export function deleteMachine(sql: SqlStorage, row: MachineRow, rev: number): void {
  sql.exec("DELETE FROM machines WHERE address = ?", row.address);
  sql.exec("INSERT INTO deleted_machines (rev, id) VALUES (?, ?)", rev, row.id);
}

export function listDeletedMachinesAfter(sql: SqlStorage, rev: number, limit: number) {
  return sql.exec<{ rev: number; id: MachineId }>(
    "SELECT rev, id FROM deleted_machines WHERE rev > ? ORDER BY rev LIMIT ?",
    rev,
    limit,
  ).toArray();
}

/** Forgets the oldest marks up to a revision, but for so many; answers the last one forgotten, if any. */
export function dropDeletedMachines(sql: SqlStorage, upToRev: number, kept: number): number | undefined {
  const oldest = "SELECT rev FROM deleted_machines ORDER BY rev DESC LIMIT -1 OFFSET ?";
  const drop = `DELETE FROM deleted_machines WHERE rev <= ? AND rev IN (${oldest}) RETURNING rev`;
  const dropped = sql.exec<{ rev: number }>(drop, upToRev, kept).toArray();
  return dropped.length === 0 ? undefined : Math.max(...dropped.map(({ rev }) => rev));
}

export function findMachine(sql: SqlStorage, id: string): MachineRow | undefined {
  return sql.exec<MachineRow>("SELECT * FROM machines WHERE id = ?", id).toArray()[0];
}

export function findMachineByName(sql: SqlStorage, name: string): MachineRow | undefined {
  return sql.exec<MachineRow>("SELECT * FROM machines WHERE name = ?", name).toArray()[0];
}

export function findMachineByMachineKey(sql: SqlStorage, machineKey: string): MachineRow | undefined {
  return sql.exec<MachineRow>("SELECT * FROM machines WHERE machine_key = ?", machineKey).toArray()[0];
}

export function findMachineByNodeKey(sql: SqlStorage, nodeKeyHash: string): MachineRow | undefined {
  return sql.exec<MachineRow>("SELECT * FROM machines WHERE node_key_hash = ?", nodeKeyHash).toArray()[0];
}

export function findMachineByPreviousNodeKey(sql: SqlStorage, nodeKeyHash: string): MachineRow | undefined {
  return sql.exec<MachineRow>("SELECT * FROM machines WHERE previous_node_key_hash = ?", nodeKeyHash).toArray()[0];
}

export function hasMachineAt(sql: SqlStorage, address: number): boolean {
  return sql.exec("SELECT 1 FROM machines WHERE address = ?", address).toArray().length > 0;
}

export function listMachines(sql: SqlStorage): MachineRow[] {
  return sql.exec<MachineRow>("SELECT * FROM machines ORDER BY address").toArray();
}

export function listActiveMachinesOfKey(sql: SqlStorage, authKeyId: string): MachineRow[] {
  return sql.exec<MachineRow>(
    "SELECT * FROM machines WHERE auth_key_id = ? AND status IN ('online', 'offline')",
    authKeyId,
  ).toArray();
}

export function listActiveMachinesOfOwner(sql: SqlStorage, ownerId: string): MachineRow[] {
  return sql.exec<MachineRow>(
    "SELECT * FROM machines WHERE owner_id = ? AND status IN ('online', 'offline')",
    ownerId,
  ).toArray();
}

export function listOnlineMachines(sql: SqlStorage): MachineRow[] {
  return sql.exec<MachineRow>("SELECT * FROM machines WHERE status = 'online'").toArray();
}

/** As much of the machines that are online as a look for the silent ones needs. */
export function listOnlineLastSeen(sql: SqlStorage): { id: MachineId; last_seen: number }[] {
  return sql.exec<{ id: MachineId; last_seen: number }>("SELECT id, last_seen FROM machines WHERE status = 'online'")
    .toArray();
}

export function listOfflineEphemeral(sql: SqlStorage): MachineRow[] {
  return sql.exec<MachineRow>("SELECT * FROM machines WHERE ephemeral = 1 AND status = 'offline'").toArray();
}

/** Whose node key was made by `bornBy` but does not count as expired yet, or the other way round. */
export function listUnsettledNodeKeys(sql: SqlStorage, bornBy: number): MachineRow[] {
  return sql.exec<MachineRow>(
    "SELECT * FROM machines WHERE key_expired <> (key_expiry_disabled = 0 AND key_created_at <= ?)",
    bornBy,
  ).toArray();
}

/** When the oldest of the node keys was made that will come to an end, if there is one. */
export function oldestNodeKey(sql: SqlStorage): number | undefined {
  return sql.exec<{ oldest: number | null }>(
    "SELECT min(key_created_at) AS oldest FROM machines WHERE key_expired = 0 AND key_expiry_disabled = 0",
  ).one().oldest ?? undefined;
}

export function listExitNodes(sql: SqlStorage): MachineRow[] {
  return sql.exec<MachineRow>("SELECT * FROM machines WHERE exit_node_approved = 1").toArray();
}

export function listSubnetRouters(sql: SqlStorage): MachineRow[] {
  return sql.exec<MachineRow>("SELECT * FROM machines WHERE approved_routes <> '[]'").toArray();
}

export function listMachinesAfter(sql: SqlStorage, rev: number, limit: number): MachineRow[] {
  return sql.exec<MachineRow>("SELECT * FROM machines WHERE rev > ? ORDER BY rev LIMIT ?", rev, limit).toArray();
}

/** Notes a sign of life without a new revision: `last_seen` alone is not worth a projection. */
export function touchMachine(sql: SqlStorage, address: number, lastSeen: number): void {
  sql.exec("UPDATE machines SET last_seen = ? WHERE address = ?", lastSeen, address);
}

export function stateOf(row: MachineRow): MachineState {
  return { status: row.status, disabled: row.admin_disabled === 1 };
}

/** The status an event takes the machine to. */
export function statusOn(row: MachineRow, event: MachineEvent): MachineStatus {
  return stateOn(stateOf(row), event).status;
}

export function keyAgeOf(row: MachineRow): NodeKeyAge {
  return { keyCreatedAt: row.key_created_at, expiryDisabled: row.key_expiry_disabled === 1 };
}

/** The machine as the table API and events show it. */
export function machineOf(row: MachineRow, orgId: OrgId, lastSeen = row.last_seen): Machine {
  return {
    id: row.id,
    org_id: orgId,
    name: row.name,
    os: row.os,
    os_version_detail: row.os_version_detail,
    status: row.status,
    tailnet_ip: showIpv4(row.address),
    public_key: row.public_key,
    owner_id: row.owner_id,
    auth_key_id: row.auth_key_id,
    ephemeral: row.ephemeral === 1,
    tags: JSON.parse(row.tags) as string[],
    version: row.version,
    endpoints: JSON.parse(row.endpoints) as string[],
    public_endpoint: row.public_endpoint,
    relay_region: row.relay_region,
    client_connectivity: row.client_connectivity === null ? null : JSON.parse(row.client_connectivity),
    derp_latencies: row.derp_latencies === null ? null : JSON.parse(row.derp_latencies),
    admin_disabled: row.admin_disabled === 1,
    key_expiry_disabled: row.key_expiry_disabled === 1,
    key_expired: row.key_expired === 1,
    shields_up: row.shields_up === 1,
    ssh_enabled: row.ssh_enabled === 1,
    accept_routes: row.accept_routes === 1,
    advertise_exit_node: row.advertise_exit_node === 1,
    exit_node_approved: row.exit_node_approved === 1,
    advertised_routes: JSON.parse(row.advertised_routes) as string[],
    approved_routes: JSON.parse(row.approved_routes) as string[],
    approved_by: row.approved_by,
    approved_at: row.approved_at === null ? null : new Date(row.approved_at).toISOString(),
    last_seen: new Date(lastSeen).toISOString(),
    key_created_at: new Date(row.key_created_at).toISOString(),
    created_at: new Date(row.created_at).toISOString(),
  };
}
