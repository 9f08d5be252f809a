import { cleanTags } from "#domain/machine/tags.ts";
import type { AuthKey } from "#protocol/api/auth-keys.ts";
import { ZtnaError } from "#protocol/errors.ts";
import type { AuthKeyId, UserId } from "#protocol/ids.ts";
import type { Change } from "./change.ts";
import { authKeyOf, type AuthKeyRow, findAuthKey } from "./store/auth-keys.ts";
import { listActiveMachinesOfKey, statusOn } from "./store/machines.ts";

/** A new key as the Worker hands it on: the secret stays there, only its hash arrives. */
export interface AuthKeyInput {
  readonly id: AuthKeyId;
  readonly hash: string;
  readonly keyPrefix: string;
  readonly name: string;
  readonly reusable: boolean;
  readonly ephemeral: boolean;
  readonly lifetimeS: number;
  readonly allowedTags: readonly string[];
  readonly allowedCidrs: readonly string[];
  readonly createdBy: UserId;
}

const DAY_S = 86_400;

export function addAuthKey(change: Change, input: AuthKeyInput): AuthKey {
  const { id, hash, name, reusable, ephemeral, lifetimeS, createdBy } = input;
  const tags = listOrNull(cleanTags(input.allowedTags));
  const cidrs = listOrNull(input.allowedCidrs);
  const row = change.insertKey({
    id,
    hash,
    name,
    key_prefix: input.keyPrefix,
    reusable: Number(reusable),
    ephemeral: Number(ephemeral),
    used_count: 0,
    expires_at: change.now + lifetimeS * 1000,
    revoked: 0,
    expired: 0,
    allowed_tags: tags && JSON.stringify(tags),
    allowed_cidrs: cidrs && JSON.stringify(cidrs),
    created_by: createdBy,
    created_at: change.now,
  });
  const expiry_days = Math.ceil(lifetimeS / DAY_S);
  const details = { name, reusable, ephemeral, expiry_days, allowed_tags: tags, allowed_cidrs: cidrs };
  change.audit("auth_key.created", "auth_key", id, createdBy, details);
  return authKeyOf(row, change.org.id);
}

/** Revokes a key and puts its machines into quarantine. Revoking again changes nothing. */
export function revokeKey(change: Change, id: AuthKeyId, by: UserId): { machinesQuarantined: number } {
  const key = requireAuthKey(change.sql, id);
  const machines = listActiveMachinesOfKey(change.sql, id);
  if (key.revoked === 1 && machines.length === 0) return { machinesQuarantined: 0 };
  change.saveKey(key, { revoked: 1, expired: 0 });
  for (const machine of machines) change.saveMachine(machine, { status: statusOn(machine, "auth_key_revoked") });
  change.audit("auth_key.revoked", "auth_key", id, by, { machines_quarantined: machines.length });
  return { machinesQuarantined: machines.length };
}

/** How many machines revoking the key would put into quarantine. */
export function countMachinesOfKey(sql: SqlStorage, id: AuthKeyId): number {
  requireAuthKey(sql, id);
  return listActiveMachinesOfKey(sql, id).length;
}

function requireAuthKey(sql: SqlStorage, id: AuthKeyId): AuthKeyRow {
  const key = findAuthKey(sql, id);
  if (key === undefined) throw new ZtnaError("NOT_FOUND", "Auth key not found");
  return key;
}

function listOrNull(list: readonly string[]): readonly string[] | null {
  return list.length === 0 ? null : list;
}
