import { deviceOf, wipeConfirmation } from "#domain/machine/commands.ts";
import type { AgentCommand, AgentCommandName, CommandResult } from "#protocol/api/agent-commands.ts";
import { ZtnaError } from "#protocol/errors.ts";
import type { MachineId } from "#protocol/ids.ts";
import { type Actor, requireAsAdmin, userIdOf } from "./actor.ts";
import type { Change } from "./change.ts";
import { dropCommands, insertCommand, listCommands, takeCommand } from "./store/agent-commands.ts";
import type { MachineRow } from "./store/machines.ts";

const auditActions: Readonly<Record<AgentCommandName, Record<"requested" | "done" | "failed", string>>> = {
  lock_device: { requested: "machine.lock_requested", done: "machine.locked", failed: "machine.lock_failed" },
  wipe_device: { requested: "machine.wipe_requested", done: "machine.wiped", failed: "machine.wipe_failed" },
};

/** Asks the agent of a machine for something. Asking again while it has not answered changes nothing. */
export function commandAgent(change: Change, id: MachineId, command: AgentCommandName, actor: Actor): MachineRow {
  const row = requireAsAdmin(change, id, actor);
  const device = deviceOf(row);
  if (listCommands(change.sql, id, device).some((pending) => pending.command === command)) return row;
  dropCommands(change.sql, id, device);
  insertCommand(change.sql, {
    id: crypto.randomUUID(),
    machine_id: id,
    device,
    command,
    requested_at: change.now,
  });
  change.commanded.push(id);
  change.audit(auditActions[command].requested, "machine", id, userIdOf(actor), { name: row.name });
  return row;
}

export function wipeDevice(change: Change, id: MachineId, confirm: string, actor: Actor): MachineRow {
  const wanted = wipeConfirmation(requireAsAdmin(change, id, actor).id);
  if (confirm !== wanted) throw new ZtnaError("INVALID_INPUT", `confirm must be ${wanted}`);
  return commandAgent(change, id, "wipe_device", actor);
}

/** What the agent of this machine has yet to do. */
export function pendingCommands(sql: SqlStorage, row: MachineRow): AgentCommand[] {
  return listCommands(sql, row.id, deviceOf(row));
}

/** Takes what an agent says has become of its commands; what it said before is no news. */
export function takeResults(change: Change, row: MachineRow, results: readonly CommandResult[]): void {
  for (const { id, done, said } of results) {
    const command = takeCommand(change.sql, row.id, id);
    if (command === undefined) continue;
    const action = auditActions[command][done ? "done" : "failed"];
    change.audit(action, "machine", row.id, null, { name: row.name, said });
  }
}
