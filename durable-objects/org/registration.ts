import { showIpv4 } from "#domain/addressing/ipv4.ts";
import { refuseRedemption } from "#domain/auth-key/redeem.ts";
import { firstStatus } from "#domain/machine/state.ts";
import { grantTags } from "#domain/machine/tags.ts";
import { ZtnaError } from "#protocol/errors.ts";
import type { MachineId, OrgId } from "#protocol/ids.ts";
import type { Change } from "./change.ts";
import { type Enrolled, enrolMachine, type Enrolment, type EnrolmentRules, findInstallation } from "./enrolment.ts";
import { type AuthKeyRow, findAuthKeyByHash, listOf } from "./store/auth-keys.ts";
import type { MachineRow } from "./store/machines.ts";
import { countRequest } from "./store/rate-limits.ts";

/** A registration by auth key as the Worker hands it on. */
export interface RegistrationInput extends Enrolment {
  readonly authKeyHash: string;
  readonly tags: readonly string[];
}

export interface Registration {
  readonly machineId: MachineId;
  readonly orgId: OrgId;
  readonly name: string;
  readonly tailnetIp: string;
  readonly status: MachineRow["status"];
  readonly reactivated: boolean;
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
  const tags = JSON.stringify(grantTags(input.tags, listOf(key.allowed_tags)));
  const enrolled = enrolMachine(change, input, known, {
    columns: { tags, auth_key_id: key.id, ephemeral: key.ephemeral },
    firstStatus: firstStatus("auth_key", change.org.approval_required === 1),
    mayBecome: () => true,
  }, rules);
  if (known === undefined) change.saveKey(key, { used_count: key.used_count + 1 });
  const { row, reactivated } = enrolled;
  const details = { name: row.name, os: row.os, auth_key_id: key.id, reactivated };
  change.audit("machine.registered", "machine", row.id, null, { ...details, tailnet_ip: showIpv4(row.address) });
  return registrationOf(change, enrolled);
}

export function registrationOf({ org }: Change, { row, reactivated }: Enrolled): Registration {
  const tailnetIp = showIpv4(row.address);
  return { machineId: row.id, orgId: org.id, name: row.name, tailnetIp, status: row.status, reactivated };
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
