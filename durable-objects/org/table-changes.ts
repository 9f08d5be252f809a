import { type Filter, matchesAll } from "#domain/tables/filters.ts";
import type { UserId } from "#protocol/ids.ts";
import type { Change } from "./change.ts";
import { revokeKey } from "./key-changes.ts";
import type { Actor } from "./actor.ts";
import { administer, deleteMachine, type MachineCommand } from "./machine-admin.ts";
import { authKeyOf, listAuthKeys } from "./store/auth-keys.ts";
import { listMachines, machineOf, type MachineRow } from "./store/machines.ts";

/*
 * Writes of the table API: rows are chosen by filters on what lists show of them, in the same transaction that changes them.
 * Each answers how many rows that were. One refusal, and none of them is changed.
 */

export function changeMachinesWhere(
  change: Change,
  filters: readonly Filter[],
  commands: readonly MachineCommand[],
  actor: Actor,
  addressPool: string,
): number {
  const rows = machinesWhere(change, filters);
  for (const { id } of rows) for (const command of commands) administer(change, id, command, actor, addressPool);
  return rows.length;
}

export function deleteMachinesWhere(change: Change, filters: readonly Filter[], actor: Actor): number {
  const rows = machinesWhere(change, filters);
  for (const { id } of rows) deleteMachine(change, id, actor);
  return rows.length;
}

export function revokeKeysWhere(change: Change, filters: readonly Filter[], by: UserId): number {
  const rows = listAuthKeys(change.sql).filter((row) => matchesAll({ ...authKeyOf(row, change.org.id) }, filters));
  for (const { id } of rows) revokeKey(change, id, by);
  return rows.length;
}

function machinesWhere({ sql, org }: Change, filters: readonly Filter[]): MachineRow[] {
  return listMachines(sql).filter((row) => matchesAll({ ...machineOf(row, org.id) }, filters));
}
