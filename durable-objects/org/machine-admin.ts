import { showIpv4 } from "#domain/addressing/ipv4.ts";
import { machineName } from "#domain/machine/name.ts";
import { type MachineAction, stateAfter } from "#domain/machine/state.ts";
import { cleanTags } from "#domain/machine/tags.ts";
import type { MachineStatus } from "#protocol/api/machines.ts";
import { ZtnaError } from "#protocol/errors.ts";
import type { MachineId, UserId } from "#protocol/ids.ts";
import type { Change } from "./change.ts";
import { findMachine, findMachineByName, type MachineRow } from "./store/machines.ts";

/** Who acts, as the Worker has found out. */
export interface Actor {
  readonly userId: UserId;
  readonly isAdmin: boolean;
}

const auditActions: Readonly<Record<MachineAction, string>> = {
  approve: "machine.approved",
  enable: "machine.enabled",
  disable: "machine.disabled",
  quarantine: "machine.quarantined",
  unquarantine: "machine.unquarantined",
};

/** Takes a machine to another state. Doing it again changes nothing and leaves no second record. */
export function actOnMachine(
  change: Change,
  id: MachineId,
  action: MachineAction,
  actor: Actor,
  details: Record<string, unknown> = {},
): MachineStatus {
  const row = requireOwn(change, id, actor);
  const { status, disabled } = stateAfter(
    { status: row.status, disabled: row.admin_disabled === 1 },
    action,
    actor.isAdmin,
  );
  const isSame = status === row.status && Number(disabled) === row.admin_disabled;
  // Whoever was off or unseen starts a new three minutes in which to show up.
  const lastSeen = status === "online" && row.status !== "online" ? change.now : row.last_seen;
  if (!isSame) {
    const approval = action === "approve" ? { approved_by: actor.userId, approved_at: change.now } : {};
    change.saveMachine(row, { status, admin_disabled: Number(disabled), last_seen: lastSeen, ...approval });
    change.audit(auditActions[action], "machine", id, actor.userId, { name: row.name, ...details });
  }
  return disabled ? "offline" : status;
}

export function renameMachine(change: Change, id: MachineId, wanted: string, actor: Actor): string {
  const row = requireOwn(change, id, actor);
  const name = machineName(wanted);
  if (name === row.name) return name;
  if (findMachineByName(change.sql, name) !== undefined) {
    throw new ZtnaError("CONFLICT", `A machine named ${name} exists already`);
  }
  change.saveMachine(row, { name });
  change.audit("machine.renamed", "machine", id, actor.userId, { old_name: row.name, new_name: name });
  return name;
}

export function tagMachine(change: Change, id: MachineId, wanted: readonly string[], actor: Actor): string[] {
  const row = requireOwn(change, id, actor);
  const tags = cleanTags(wanted);
  const text = JSON.stringify(tags);
  if (text === row.tags) return tags;
  change.saveMachine(row, { tags: text });
  change.audit("machine.tags_updated", "machine", id, actor.userId, { name: row.name, tags });
  return tags;
}

/** Takes the machine out of the org for good: its agent is refused, its address is free, the records of it stay. */
export function deleteMachine(change: Change, id: MachineId, actor: Actor): MachineId {
  if (!actor.isAdmin) throw new ZtnaError("FORBIDDEN");
  const row = requireOwn(change, id, actor);
  change.deleteMachine(row);
  change.audit("machine.deleted", "machine", id, actor.userId, { name: row.name, tailnet_ip: showIpv4(row.address) });
  return id;
}

/** A machine that is not there and one of somebody else look alike to who is no admin. */
function requireOwn(change: Change, id: MachineId, { userId, isAdmin }: Actor): MachineRow {
  const row = findMachine(change.sql, id);
  if (row === undefined || (!isAdmin && row.owner_id !== userId)) {
    throw isAdmin ? new ZtnaError("NOT_FOUND", "Machine not found") : new ZtnaError("FORBIDDEN");
  }
  return row;
}
