import { showIpv4 } from "#domain/addressing/ipv4.ts";
import { refuseRedemption } from "#domain/auth-key/redeem.ts";
import { settleSettings } from "#domain/machine/settings.ts";
import { firstStatus } from "#domain/machine/state.ts";
import { grantTags } from "#domain/machine/tags.ts";
import type { MachineSettings } from "#protocol/api/machines.ts";
import { ZtnaError } from "#protocol/errors.ts";
import type { MachineId, OrgId } from "#protocol/ids.ts";
import type { Change } from "./change.ts";
import { type Enrolled, enrolMachine, type Enrolment, type EnrolmentRules, findInstallation } from "./enrolment.ts";
import { columnsOf, settingsRules } from "./machine-settings.ts";
import { mapRulesOf } from "./net-map.ts";
import { type AuthKeyRow, findAuthKeyByHash, listOf } from "./store/auth-keys.ts";
import type { MachineRow } from "./store/machines.ts";
import { countRequest } from "./store/rate-limits.ts";

/** A registration by auth key as the Worker hands it on. */
export interface RegistrationInput extends Enrolment {
  readonly authKeyHash: string;
  readonly settings: MachineSettings;
  readonly osVersionDetail: string | undefined;
}

export interface Registration {
  readonly machineId: MachineId;
  readonly orgId: OrgId;
  readonly name: string;
  readonly tailnetIp: string;
  readonly status: MachineRow["status"];
  readonly reactivated: boolean;
  readonly postureCompliant: boolean | undefined;
  /** Settings that were not granted, one sentence each. */
  readonly refused: readonly string[];
}

/**
 * Counts a registration against the rate limits. Apart from `register`, so that a refused one still counts. Only keys that
 * exist get a window of their own: made-up ones must not fill the table.
 */
export function countRegistration(
  sql: SqlStorage,
  input: RegistrationInput,
  { limits, timings }: EnrolmentRules,
  now: number,
): void {
  const byIp = { most: limits.register_per_ip, windowMs: timings.register_per_ip_window_s * 1000 };
  countRequest(sql, `ip ${input.clientIp}`, byIp, now);
  if (limits.register_per_key === 0) return;
  const key = findAuthKeyByHash(sql, input.authKeyHash);
  const byKey = { most: limits.register_per_key, windowMs: timings.register_per_key_window_s * 1000 };
  if (key !== undefined) countRequest(sql, `key ${key.id}`, byKey, now);
}

/**
 * One whole registration: check the key, claim a use, find or create the machine, lease its address, write the audit row.
 * A refusal throws, and with it the transaction leaves nothing behind.
 */
export function register(change: Change, input: RegistrationInput, rules: EnrolmentRules): Registration {
  const known = findInstallation(change.sql, input);
  const key = redeem(change, input, known !== undefined);
  const { addressPool } = mapRulesOf(change.org, rules);
  const { granted, refused } = settleSettings(input.settings, settingsRules(change, known, key, addressPool));
  const enrolled = enrolMachine(change, input, known, {
    columns: {
      auth_key_id: key.id,
      ephemeral: key.ephemeral,
      ...(input.osVersionDetail !== undefined && { os_version_detail: input.osVersionDetail }),
      ...columnsOf(granted),
    },
    bounds: (holder) => boundsOf(holder, key),
    firstStatus: firstStatus("auth_key", change.org.approval_required === 1),
    mayBecome: () => true,
  }, rules);
  if (known === undefined) change.saveKey(key, { used_count: key.used_count + 1 });
  const { row, reactivated } = enrolled;
  const details = { name: row.name, os: row.os, auth_key_id: key.id, reactivated };
  change.audit("machine.registered", "machine", row.id, null, { ...details, tailnet_ip: showIpv4(row.address) });
  return registrationOf(change, enrolled, refused);
}

/** Whoever takes over a name gets no more than its own key grants, and no approvals that another installation was given. */
function boundsOf(holder: MachineRow, key: AuthKeyRow): Partial<MachineRow> {
  const tags = JSON.stringify(grantTags(JSON.parse(holder.tags) as string[], listOf(key.allowed_tags)));
  return holder.machine_key === null ? { tags } : { tags, approved_routes: "[]", exit_node_approved: 0 };
}

export function registrationOf(
  { org }: Change,
  { row, reactivated, postureCompliant }: Enrolled,
  refused: readonly string[] = [],
): Registration {
  const tailnetIp = showIpv4(row.address);
  const { id: machineId, name, status } = row;
  return { machineId, orgId: org.id, name, tailnetIp, status, reactivated, postureCompliant, refused };
}

function redeem({ sql, now }: Change, input: RegistrationInput, sameMachine: boolean): AuthKeyRow {
  const row = findAuthKeyByHash(sql, input.authKeyHash);
  const key = row && {
    reusable: row.reusable === 1,
    revoked: row.revoked === 1,
    usedCount: row.used_count,
    expiresAt: row.expires_at,
    allowedCidrs: listOf(row.allowed_cidrs),
  };
  const refused = refuseRedemption({ key, sameMachine, clientIp: input.clientIp, now });
  if (refused !== undefined || row === undefined) throw new ZtnaError(refused ?? "INVALID_KEY");
  return row;
}
