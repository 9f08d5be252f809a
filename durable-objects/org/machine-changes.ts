import { showIpv4 } from "#domain/addressing/ipv4.ts";
import { isKeyExpired } from "#domain/machine/key-expiry.ts";
import { isGoneAfter } from "#domain/machine/state.ts";
import { latenciesToKeep } from "#domain/machine/telemetry.ts";
import type { DerpLatencies, MachineTelemetry } from "#protocol/api/machines.ts";
import { ZtnaError } from "#protocol/errors.ts";
import type { Change } from "./change.ts";
import {
  findMachineByNodeKey,
  findMachineByPreviousNodeKey,
  keyAgeOf,
  listOfflineEphemeral,
  type MachineRow,
  stateOf,
  statusOn,
} from "./store/machines.ts";
import { type ConfiguredOrg, keyLifetimeMs } from "./store/org.ts";

/** What an agent says of its machine; absent means unchanged. */
export interface MachineReport {
  readonly status: "online" | "offline";
  readonly publicKey?: string | undefined;
  readonly endpoints?: readonly string[] | undefined;
  readonly version?: string | undefined;
  readonly relayRegion?: string | null | undefined;
  readonly telemetry?: MachineTelemetry | undefined;
}

const RECLAIM_MS = 300_000;

export type OfflineReason = "heartbeat_timeout" | "client_shutdown" | "connection_closed";

/** The machine of a node key, or the refusal its agent gets. */
export function requireMachine(sql: SqlStorage, org: ConfiguredOrg, nodeKeyHash: string, now: number): MachineRow {
  const row = findMachineByNodeKey(sql, nodeKeyHash);
  if (row === undefined) throw new ZtnaError("INVALID_NODE_KEY");
  if (row.status === "pending") throw new ZtnaError("PENDING_APPROVAL");
  if (isKeyExpired(keyAgeOf(row), keyLifetimeMs(org), now)) throw new ZtnaError("KEY_EXPIRED");
  return row;
}

/**
 * The machine whose node key this was until, a moment ago, its installation registered again: itself, or a copy of its state.
 * The agent that was there comes at once and may have the key back, if it shows that it is the installation.
 */
export function findReplaced(sql: SqlStorage, nodeKeyHash: string, now: number): MachineRow | undefined {
  const row = findMachineByPreviousNodeKey(sql, nodeKeyHash);
  if (row === undefined || row.status === "pending") return undefined;
  return now - row.key_created_at <= RECLAIM_MS ? row : undefined;
}

/** Gives a machine back the node key that a copy of it has replaced. */
export function reclaimNodeKey(change: Change, row: MachineRow, nodeKeyHash: string): MachineRow {
  change.audit("machine.clone_parted", "machine", row.id, null, { name: row.name });
  return change.saveMachine(row, { node_key_hash: nodeKeyHash, previous_node_key_hash: null });
}

/** Takes over what an agent reports. Quarantined and disabled machines change nothing by it. */
export function takeReport(change: Change, row: MachineRow, report: MachineReport, reason: OfflineReason): MachineRow {
  if (row.status === "quarantined" || row.admin_disabled === 1) return row;
  const reported = {
    status: statusOn(row, report.status === "online" ? "came_online" : "went_offline"),
    public_key: report.publicKey ?? row.public_key,
    endpoints: report.endpoints === undefined ? row.endpoints : JSON.stringify(report.endpoints),
    version: report.version ?? row.version,
    relay_region: report.relayRegion === undefined ? row.relay_region : report.relayRegion,
    ...telemetryColumns(row, report.telemetry ?? {}),
  };
  const isSame = Object.entries(reported).every(([column, value]) => row[column as keyof typeof reported] === value);
  if (isSame) return row;
  const after = change.saveMachine(row, { ...reported, last_seen: change.now });
  if (row.status === "online" && after.status === "offline") auditOffline(change, after, reason);
  return after;
}

function telemetryColumns(row: MachineRow, telemetry: MachineTelemetry) {
  const { os_version_detail, public_endpoint, connectivity, derp_latencies } = telemetry;
  const stored = row.derp_latencies === null ? null : JSON.parse(row.derp_latencies) as DerpLatencies;
  return {
    os_version_detail: os_version_detail ?? row.os_version_detail,
    public_endpoint: public_endpoint ?? row.public_endpoint,
    client_connectivity: connectivity === undefined ? row.client_connectivity : JSON.stringify(connectivity),
    derp_latencies: derp_latencies === undefined
      ? row.derp_latencies
      : JSON.stringify(latenciesToKeep(stored, derp_latencies)),
  };
}

/** Deletes the ephemeral machines that were offline for too long; answers when the next one would be, if any is left. */
export function removeEphemeral(change: Change, mostOfflineMs: number): number | undefined {
  let next: number | undefined;
  for (const row of listOfflineEphemeral(change.sql)) {
    if (!isGoneAfter("offline_for_long", stateOf(row), true)) continue;
    const dueAt = row.last_seen + mostOfflineMs;
    if (dueAt > change.now) next = Math.min(next ?? Infinity, dueAt);
    else cleanUp(change, row, "ephemeral_offline");
  }
  return next;
}

export function cleanUp(change: Change, row: MachineRow, reason: string): void {
  change.deleteMachine(row);
  const details = { name: row.name, tailnet_ip: showIpv4(row.address), reason };
  change.audit("machine.cleanup_deleted", "machine", row.id, null, details);
}

export function auditOffline(change: Change, row: MachineRow, reason: OfflineReason): void {
  change.audit("machine.marked_offline", "machine", row.id, null, { name: row.name, reason });
}
