import { ZtnaError } from "#protocol/errors.ts";
import type { MachineId } from "#protocol/ids.ts";
import { type Actor, requireAsAdmin, userIdOf } from "./actor.ts";
import type { Change } from "./change.ts";
import type { MachineRow } from "./store/machines.ts";

/** Approves the named routes, or all that the machine offers now. */
export function approveRoutes(
  change: Change,
  id: MachineId,
  named: readonly string[] | undefined,
  actor: Actor,
): MachineRow {
  const row = requireAsAdmin(change, id, actor);
  if (change.org.allow_subnet_routing === 0) {
    throw new ZtnaError("FORBIDDEN", "Subnet routing is disabled for this organization");
  }
  const advertised = routesOf(row.advertised_routes);
  const unknown = named?.find((route) => !advertised.includes(route));
  if (unknown !== undefined) throw new ZtnaError("INVALID_INPUT", `Not advertised: ${unknown.slice(0, 50)}`);
  const wanted = named === undefined ? advertised : [...routesOf(row.approved_routes), ...named];
  const approved = advertised.filter((route) => wanted.includes(route));
  return saveRoutes(change, row, approved, "machine.routes_approved", actor);
}

/** Takes the approval of the named routes back, or of all. */
export function rejectRoutes(
  change: Change,
  id: MachineId,
  named: readonly string[] | undefined,
  actor: Actor,
): MachineRow {
  const row = requireAsAdmin(change, id, actor);
  const kept = named === undefined ? [] : routesOf(row.approved_routes).filter((route) => !named.includes(route));
  return saveRoutes(change, row, kept, "machine.routes_rejected", actor);
}

export function approveExitNode(change: Change, id: MachineId, actor: Actor): MachineRow {
  const row = requireAsAdmin(change, id, actor);
  if (change.org.allow_exit_nodes === 0) throw new ZtnaError("FORBIDDEN", "exit nodes not allowed for this org");
  if (row.advertise_exit_node === 0) throw new ZtnaError("INVALID_STATE", "Machine does not advertise an exit node");
  return saveExitNode(change, row, 1, "machine.exit_node_approved", actor);
}

export function rejectExitNode(change: Change, id: MachineId, actor: Actor): MachineRow {
  return saveExitNode(change, requireAsAdmin(change, id, actor), 0, "machine.exit_node_rejected", actor);
}

function saveRoutes(
  change: Change,
  row: MachineRow,
  approved: readonly string[],
  action: string,
  actor: Actor,
): MachineRow {
  const text = JSON.stringify(approved);
  if (text === row.approved_routes) return row;
  const after = change.saveMachine(row, { approved_routes: text });
  change.audit(action, "machine", row.id, userIdOf(actor), { name: row.name, approved_routes: approved });
  return after;
}

function saveExitNode(change: Change, row: MachineRow, approved: number, action: string, actor: Actor): MachineRow {
  if (approved === row.exit_node_approved) return row;
  const after = change.saveMachine(row, { exit_node_approved: approved });
  change.audit(action, "machine", row.id, userIdOf(actor), { name: row.name });
  return after;
}

function routesOf(json: string): string[] {
  return JSON.parse(json) as string[];
}
