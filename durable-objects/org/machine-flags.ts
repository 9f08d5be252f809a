import { checkFlags, type WantedFlags } from "#domain/machine/flags.ts";
import type { MachineId } from "#protocol/ids.ts";
import { type Actor, requireOwn, userIdOf } from "./actor.ts";
import type { Change } from "./change.ts";
import type { MachineRow } from "./store/machines.ts";

/** Sets what is given. */
export function setFlags(
  change: Change,
  id: MachineId,
  wanted: WantedFlags,
  actor: Actor,
  addressPool: string,
): MachineRow {
  const row = requireOwn(change, id, actor);
  const { org } = change;
  const flags = checkFlags(wanted, {
    allowExitNodes: org.allow_exit_nodes === 1,
    allowSubnetRouting: org.allow_subnet_routing === 1,
    addressPool: org.address_pool ?? addressPool,
  });
  const changed = columnsOf(row, flags);
  const isSame = Object.entries(changed).every(([column, value]) => row[column as keyof typeof changed] === value);
  if (isSame) return row;
  const after = change.saveMachine(row, changed);
  change.audit("machine.flags_updated", "machine", id, userIdOf(actor), { name: row.name, ...flags });
  return after;
}

function columnsOf(row: MachineRow, flags: WantedFlags) {
  const { advertised_routes: routes = JSON.parse(row.advertised_routes) as string[] } = flags;
  const column = (flag: boolean | undefined, kept: number) => flag === undefined ? kept : Number(flag);
  return {
    shields_up: column(flags.shields_up, row.shields_up),
    ssh_enabled: column(flags.ssh_enabled, row.ssh_enabled),
    accept_routes: column(flags.accept_routes, row.accept_routes),
    advertise_exit_node: column(flags.advertise_exit_node, row.advertise_exit_node),
    advertised_routes: JSON.stringify(routes),
  };
}
