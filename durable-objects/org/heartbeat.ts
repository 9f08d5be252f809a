import type { AgentCommand, CommandResult } from "#protocol/api/agent-commands.ts";
import type { Machine, OwnSettings } from "#protocol/api/machines.ts";
import type { NetMap } from "#protocol/netmap.ts";
import type { Config } from "../../worker/config.ts";
import { pendingCommands, takeResults } from "./agent-commands.ts";
import type { Change } from "./change.ts";
import type { Ledger } from "./ledger.ts";
import { type MachineReport, requireMachine, takeReport } from "./machine-changes.ts";
import { type Settled, settleOwn } from "./machine-settings.ts";
import { mapRulesOf, netMapOf } from "./net-map.ts";
import { machineOf, touchMachine } from "./store/machines.ts";

/** A heartbeat over HTTP as the Worker hands it on. */
export interface HeartbeatInput extends MachineReport {
  readonly nodeKeyHash: string;
  /** The name by which the agent reached this deploy. */
  readonly host: string;
  readonly settings: OwnSettings | undefined;
  readonly commandResults: readonly CommandResult[];
}

/** What a heartbeat is answered with. */
export interface Heartbeat {
  readonly machine: Machine;
  readonly map: NetMap;
  /** Settings of the request that were not granted, one sentence each. */
  readonly refused: readonly string[];
  readonly commands: readonly AgentCommand[];
}

export function answerHeartbeat(ledger: Ledger, config: Config, input: HeartbeatInput): Heartbeat {
  const org = ledger.org("INVALID_NODE_KEY");
  const { addressPool } = mapRulesOf(org, config);
  const limits = { touchAfterMs: config.timings.offline_after_s * 1000 / 2, addressPool };
  const { row, refused } = ledger.write((change) => takeHeartbeat(change, input, limits), org);
  return {
    machine: machineOf(row, org.id),
    map: netMapOf(ledger.sql, org, config, input.host, row),
    refused,
    commands: pendingCommands(ledger.sql, row),
  };
}

/**
 * One heartbeat. An unchanged machine's `last_seen` is written only when the stored one is older than `touchAfterMs`;
 * without a change there is no revision, no event and no projection.
 */
function takeHeartbeat(
  change: Change,
  input: HeartbeatInput,
  { touchAfterMs, addressPool }: { touchAfterMs: number; addressPool: string },
): Settled {
  const { sql, org, now } = change;
  const before = requireMachine(sql, org, input.nodeKeyHash, now);
  takeResults(change, before, input.commandResults);
  const row = takeReport(change, before, input, "client_shutdown");
  const settled = settleOwn(change, row, input.settings ?? {}, addressPool);
  if (settled.row === before && now - row.last_seen > touchAfterMs) touchMachine(sql, row.address, now);
  return settled;
}
