import { isKeyExpired } from "#domain/machine/key-expiry.ts";
import { keyMarkOf, type MachineClaims } from "#domain/secrets/machine-token.ts";
import { ZtnaError } from "#protocol/errors.ts";
import type { MachineId, UserId } from "#protocol/ids.ts";
import type { Change } from "./change.ts";
import { findMachine, keyAgeOf, type MachineRow } from "./store/machines.ts";
import { type ConfiguredOrg, keyLifetimeMs } from "./store/org.ts";

/** A person as the Worker has found out. */
export interface Person {
  readonly userId: UserId;
  readonly isAdmin: boolean;
}

/** Who acts: a person, or a machine by its token, which may act on nothing but itself. */
export type Actor = Person | MachineClaims;

export function isMachine(actor: Actor): actor is MachineClaims {
  return "machineId" in actor;
}

export function isAdmin(actor: Actor): boolean {
  return !isMachine(actor) && actor.isAdmin;
}

/** Who stands in the audit record; a machine stands there as the resource itself. */
export function userIdOf(actor: Actor): UserId | null {
  return isMachine(actor) ? null : actor.userId;
}

/** The machine of a token that was signed for it, or the refusal it gets: it may be gone, barred, or have another key. */
export function requireCaller(sql: SqlStorage, org: ConfiguredOrg, claims: MachineClaims, now: number): MachineRow {
  const row = findMachine(sql, claims.machineId);
  if (row === undefined || keyMarkOf(row.node_key_hash) !== claims.keyMark) {
    throw new ZtnaError("UNAUTHORIZED", "Invalid or expired token");
  }
  if (row.status === "pending") throw new ZtnaError("PENDING_APPROVAL");
  if (row.status === "quarantined") throw new ZtnaError("FORBIDDEN", "Machine is quarantined");
  if (row.admin_disabled === 1) throw new ZtnaError("FORBIDDEN", "Machine is disabled");
  if (isKeyExpired(keyAgeOf(row), keyLifetimeMs(org), now)) throw new ZtnaError("KEY_EXPIRED");
  return row;
}

/** A machine the actor may act on: any for an admin, the own ones for others, itself for a machine. */
export function requireOwn({ sql, org, now }: Change, id: MachineId, actor: Actor): MachineRow {
  if (isMachine(actor)) {
    if (actor.machineId !== id) throw new ZtnaError("FORBIDDEN");
    return requireCaller(sql, org, actor, now);
  }
  const row = findMachine(sql, id);
  // A machine that is not there and one of somebody else look alike to who is no admin.
  if (row === undefined || (!actor.isAdmin && row.owner_id !== actor.userId)) {
    throw actor.isAdmin ? new ZtnaError("NOT_FOUND", "Machine not found") : new ZtnaError("FORBIDDEN");
  }
  return row;
}

/** Any machine, for admins alone. */
export function requireAsAdmin(change: Change, id: MachineId, actor: Actor): MachineRow {
  if (!isAdmin(actor)) throw new ZtnaError("FORBIDDEN");
  return requireOwn(change, id, actor);
}
