import { isCarried, peersOf } from "#domain/netmap/build.ts";
import type { MachineStatus } from "#protocol/api/machines.ts";
import type { MachineId, OrgId } from "#protocol/ids.ts";
import type { Peer } from "#protocol/netmap.ts";
import type { Change } from "./change.ts";
import { type MachineReport, requireMachine, takeReport } from "./machine-changes.ts";
import { listMachines, machineOf, touchMachine } from "./store/machines.ts";

/** A heartbeat over HTTP as the Worker hands it on. */
export interface HeartbeatInput extends MachineReport {
  readonly nodeKeyHash: string;
}

export interface Heartbeat {
  readonly machineId: MachineId;
  readonly orgId: OrgId;
  readonly publicKey: string;
  readonly status: MachineStatus;
  readonly quarantined: boolean;
  readonly adminDisabled: boolean;
  /** True when the machine may use the relays. */
  readonly carried: boolean;
  readonly peers: Peer[];
  readonly seq: number;
}

/**
 * One heartbeat. An unchanged machine's `last_seen` is written only when the stored one is older than `touchAfterMs`;
 * without a change there is no revision, no event and no projection.
 */
export function takeHeartbeat(change: Change, input: HeartbeatInput, touchAfterMs: number): Heartbeat {
  const { sql, org, now } = change;
  const before = requireMachine(sql, org, input.nodeKeyHash, now);
  const row = takeReport(change, before, input, "client_shutdown");
  if (row === before && now - row.last_seen > touchAfterMs) touchMachine(sql, row.address, now);
  const self = machineOf(row, org.id);
  return {
    machineId: row.id,
    orgId: org.id,
    publicKey: row.public_key,
    status: self.admin_disabled ? "offline" : row.status,
    quarantined: row.status === "quarantined",
    adminDisabled: self.admin_disabled,
    carried: isCarried(self),
    peers: isCarried(self) ? peersOf(self, listMachines(sql).map((machine) => machineOf(machine, org.id))) : [],
    // The transaction moves the number on when the machine itself changed.
    seq: org.seq + (row === before ? 0 : 1),
  };
}
