import type { OwnSettings } from "#protocol/api/machines.ts";
import type { Change } from "./change.ts";
import { type MachineReport, reclaimNodeKey, requireMachine, takeReport } from "./machine-changes.ts";
import { type Settled, settleOwn } from "./machine-settings.ts";
import { touchMachine } from "./store/machines.ts";

/** A heartbeat over HTTP as the Worker hands it on. */
export interface HeartbeatInput extends MachineReport {
  readonly nodeKeyHash: string;
  /** The name by which the agent reached this deploy. */
  readonly host: string;
  readonly settings: OwnSettings | undefined;
}

/**
 * One heartbeat. An unchanged machine's `last_seen` is written only when the stored one is older than `touchAfterMs`;
 * without a change there is no revision, no event and no projection.
 */
export function takeHeartbeat(
  change: Change,
  input: HeartbeatInput,
  { touchAfterMs, addressPool }: { touchAfterMs: number; addressPool: string },
): Settled {
  const { sql, org, now } = change;
  reclaimNodeKey(change, input.nodeKeyHash);
  const before = requireMachine(sql, org, input.nodeKeyHash, now);
  const row = takeReport(change, before, input, "client_shutdown");
  const settled = settleOwn(change, row, input.settings ?? {}, addressPool);
  if (settled.row === before && now - row.last_seen > touchAfterMs) touchMachine(sql, row.address, now);
  return settled;
}
