import { showIpv4 } from "#domain/addressing/ipv4.ts";
import type { WantedFlags } from "#domain/machine/flags.ts";
import { machineName } from "#domain/machine/name.ts";
import { type MachineAction, stateAfter } from "#domain/machine/state.ts";
import { cleanTags, retag } from "#domain/machine/tags.ts";
import { ZtnaError } from "#protocol/errors.ts";
import type { MachineId, UserId } from "#protocol/ids.ts";
import { type Actor, isAdmin, isMachine, requireAsAdmin, requireOwn, userIdOf } from "./actor.ts";
import { commandAgent, wipeDevice } from "./agent-commands.ts";
import type { Change } from "./change.ts";
import { settleNodeKeys } from "./key-expiry.ts";
import { setFlags } from "./machine-flags.ts";
import { approveExitNode, approveRoutes, rejectExitNode, rejectRoutes } from "./machine-routes.ts";
import { findAuthKey, listOf } from "./store/auth-keys.ts";
import {
  findMachine,
  findMachineByName,
  listActiveMachinesOfOwner,
  type MachineRow,
  stateOf,
  statusOn,
} from "./store/machines.ts";

/** What can be done to one machine, short of deleting it. */
export type MachineCommand =
  | { readonly do: MachineAction; readonly details: Record<string, unknown> }
  | { readonly do: "rename"; readonly name: string }
  | { readonly do: "update_tags"; readonly tags: readonly string[] }
  | { readonly do: "update_flags"; readonly flags: WantedFlags }
  | { readonly do: "set_key_expiry"; readonly disabled: boolean }
  | { readonly do: "approve_routes" | "reject_routes"; readonly routes: readonly string[] | undefined }
  | { readonly do: "approve_exit_node" | "reject_exit_node" }
  | { readonly do: "lock_device" }
  | { readonly do: "wipe_device"; readonly confirm: string };

/** What a machine may do to itself. */
const machinesOwn: readonly MachineCommand["do"][] = ["rename", "update_tags", "update_flags"];

/** Does it and answers the machine as it is then. Doing it again changes nothing and leaves no second record. */
export function administer(
  change: Change,
  id: MachineId,
  command: MachineCommand,
  actor: Actor,
  addressPool: string,
): MachineRow {
  if (isMachine(actor) && !machinesOwn.includes(command.do)) throw new ZtnaError("FORBIDDEN");
  switch (command.do) {
    case "rename":
      return renameMachine(change, id, command.name, actor);
    case "update_tags":
      return tagMachine(change, id, command.tags, actor);
    case "update_flags":
      return setFlags(change, id, command.flags, actor, addressPool);
    case "set_key_expiry":
      return setKeyExpiry(change, id, command.disabled, actor);
    case "approve_routes":
      return approveRoutes(change, id, command.routes, actor);
    case "reject_routes":
      return rejectRoutes(change, id, command.routes, actor);
    case "approve_exit_node":
      return approveExitNode(change, id, actor);
    case "reject_exit_node":
      return rejectExitNode(change, id, actor);
    case "lock_device":
      return commandAgent(change, id, "lock_device", actor);
    case "wipe_device":
      return wipeDevice(change, id, command.confirm, actor);
    default:
      return moveMachine(change, id, command.do, actor, command.details);
  }
}

/** Puts the machines of somebody who has left the org into quarantine, except those that wait for approval. */
export function quarantineMachinesOf(
  change: Change,
  ownerId: UserId,
  by: UserId | null,
): { machinesQuarantined: number } {
  const machines = listActiveMachinesOfOwner(change.sql, ownerId);
  for (const row of machines) {
    change.saveMachine(row, { status: statusOn(row, "owner_removed") });
    change.audit("machine.quarantined", "machine", row.id, by, { name: row.name, reason: "owner_removed" });
  }
  return { machinesQuarantined: machines.length };
}

/** Takes the machine out of the org for good: its agent is refused, its address is free, the records of it stay. */
export function deleteMachine(change: Change, id: MachineId, actor: Actor): MachineId {
  const row = requireAsAdmin(change, id, actor);
  change.deleteMachine(row);
  const details = { name: row.name, tailnet_ip: showIpv4(row.address) };
  change.audit("machine.deleted", "machine", id, userIdOf(actor), details);
  return id;
}

const auditActions: Readonly<Record<MachineAction, string>> = {
  approve: "machine.approved",
  enable: "machine.enabled",
  disable: "machine.disabled",
  quarantine: "machine.quarantined",
  unquarantine: "machine.unquarantined",
};

function moveMachine(
  change: Change,
  id: MachineId,
  action: MachineAction,
  actor: Actor,
  details: Record<string, unknown>,
): MachineRow {
  const row = requireOwn(change, id, actor);
  const { status, disabled } = stateAfter(stateOf(row), action, isAdmin(actor));
  if (status === row.status && Number(disabled) === row.admin_disabled) return row;
  // Whoever was off or unseen starts a new three minutes in which to show up.
  const lastSeen = status === "online" && row.status !== "online" ? change.now : row.last_seen;
  const approval = action === "approve" ? { approved_by: userIdOf(actor), approved_at: change.now } : {};
  const changed = { status, admin_disabled: Number(disabled), last_seen: lastSeen, ...approval };
  const after = change.saveMachine(row, changed);
  change.audit(auditActions[action], "machine", id, userIdOf(actor), { name: row.name, ...details });
  return after;
}

function renameMachine(change: Change, id: MachineId, wanted: string, actor: Actor): MachineRow {
  const row = requireOwn(change, id, actor);
  const name = machineName(wanted);
  if (name === row.name) return row;
  if (findMachineByName(change.sql, name) !== undefined) {
    throw new ZtnaError("CONFLICT", `A machine named ${name} exists already`);
  }
  const after = change.saveMachine(row, { name });
  change.audit("machine.renamed", "machine", id, userIdOf(actor), { old_name: row.name, new_name: name });
  return after;
}

function tagMachine(change: Change, id: MachineId, wanted: readonly string[], actor: Actor): MachineRow {
  const row = requireOwn(change, id, actor);
  const tags = isMachine(actor) ? retag(JSON.parse(row.tags), wanted, grantedTo(change, row)) : cleanTags(wanted);
  const text = JSON.stringify(tags);
  if (text === row.tags) return row;
  const after = change.saveMachine(row, { tags: text });
  change.audit("machine.tags_updated", "machine", id, userIdOf(actor), { name: row.name, tags });
  return after;
}

/** The tags its auth key grants a machine; null for any, as its owner may give it. */
function grantedTo({ sql }: Change, { auth_key_id }: MachineRow): readonly string[] | null {
  const key = auth_key_id === null ? undefined : findAuthKey(sql, auth_key_id);
  return key === undefined ? null : listOf(key.allowed_tags);
}

function setKeyExpiry(change: Change, id: MachineId, disabled: boolean, actor: Actor): MachineRow {
  const row = requireOwn(change, id, actor);
  if (row.key_expiry_disabled === Number(disabled)) return row;
  change.saveMachine(row, { key_expiry_disabled: Number(disabled) });
  change.audit("machine.key_expiry_set", "machine", id, userIdOf(actor), { name: row.name, disabled });
  settleNodeKeys(change);
  return findMachine(change.sql, id)!;
}
