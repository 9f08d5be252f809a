import { showIpv4 } from "#domain/addressing/ipv4.ts";
import { firstStatus } from "#domain/machine/state.ts";
import { cleanTags } from "#domain/machine/tags.ts";
import { peersOf } from "#domain/netmap/build.ts";
import { ZtnaError } from "#protocol/errors.ts";
import type { UserId } from "#protocol/ids.ts";
import type { Peer } from "#protocol/netmap.ts";
import type { Change } from "./change.ts";
import { enrolMachine, type Enrolment, type EnrolmentRules, findInstallation } from "./enrolment.ts";
import { mapRulesOf } from "./net-map.ts";
import { type Registration, registrationOf } from "./registration.ts";
import { listOnlineMachines, machineOf, type MachineRow } from "./store/machines.ts";
import { countRequest } from "./store/rate-limits.ts";

/** A registration by a person who has logged in, as the Worker hands it on. */
export interface SetupInput extends Enrolment {
  readonly userId: UserId;
  readonly tags: readonly string[] | undefined;
}

export interface Setup extends Registration {
  /** The machines it can reach right now. */
  readonly peers: readonly Peer[];
}

/** Counts a setup against the rate limits; apart from `setUp`, so that a refused one still counts. */
export function countSetup(
  sql: SqlStorage,
  { clientIp, userId }: SetupInput,
  { limits, timings }: EnrolmentRules,
  now: number,
): void {
  const byIp = { most: limits.register_per_ip, windowMs: timings.register_per_ip_window_s * 1000 };
  countRequest(sql, `ip ${clientIp}`, byIp, now);
  const byUser = { most: limits.setup_per_user, windowMs: timings.setup_per_user_window_s * 1000 };
  countRequest(sql, `user ${userId}`, byUser, now);
}

/** One whole registration by a person: find or create their machine, lease its address, write the audit row. */
export function setUp(change: Change, input: SetupInput, rules: EnrolmentRules): Setup {
  const { userId } = input;
  const known = findInstallation(change.sql, input);
  if (known !== undefined && known.owner_id !== null && known.owner_id !== userId) {
    const message = "This installation is another person's machine. Run 'ztna logout' to start over as your own.";
    throw new ZtnaError("REGISTRATION_CONFLICT", message);
  }
  const enrolled = enrolMachine(change, input, known, {
    columns: {
      owner_id: userId,
      auth_key_id: null,
      ephemeral: 0,
      ...(input.tags && { tags: JSON.stringify(cleanTags(input.tags)) }),
    },
    firstStatus: firstStatus("person", change.org.approval_required === 1),
    mayBecome: (holder) => holder.owner_id === userId,
  }, rules);
  const { row, reactivated } = enrolled;
  const peers = onlinePeers(change, row, rules);
  const details = { name: row.name, os: row.os, tailnet_ip: showIpv4(row.address), peer_count: peers.length };
  change.audit("machine.self_service_setup", "machine", row.id, userId, { ...details, reactivated });
  return { ...registrationOf(change, enrolled), peers };
}

function onlinePeers({ sql, org }: Change, row: MachineRow, rules: EnrolmentRules): Peer[] {
  const online = listOnlineMachines(sql).map((other) => machineOf(other, org.id));
  return peersOf(machineOf(row, org.id), online, mapRulesOf(org, rules));
}
