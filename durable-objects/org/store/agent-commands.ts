import type { AgentCommand, AgentCommandName } from "#protocol/api/agent-commands.ts";
import type { MachineId } from "#protocol/ids.ts";

/** A command that its agent has not acknowledged. */
export type AgentCommandRow = {
  id: string;
  machine_id: MachineId;
  /** Which device it is for, see `deviceOf`. */
  device: string;
  command: AgentCommandName;
  requested_at: number;
};

export function insertCommand(sql: SqlStorage, row: AgentCommandRow): void {
  const { id, machine_id, device, command, requested_at } = row;
  sql.exec("INSERT INTO agent_commands VALUES (?, ?, ?, ?, ?)", id, machine_id, device, command, requested_at);
}

/** In the order they were asked for. */
export function listCommands(sql: SqlStorage, machineId: MachineId, device: string): AgentCommand[] {
  return sql.exec<Pick<AgentCommandRow, "id" | "command">>(
    "SELECT id, command FROM agent_commands WHERE machine_id = ? AND device = ? ORDER BY requested_at",
    machineId,
    device,
  ).toArray();
}

/** Takes one out; undefined when this machine has none of that id. */
export function takeCommand(sql: SqlStorage, machineId: MachineId, id: string): AgentCommandName | undefined {
  return sql.exec<Pick<AgentCommandRow, "command">>(
    "DELETE FROM agent_commands WHERE id = ? AND machine_id = ? RETURNING command",
    id,
    machineId,
  ).toArray()[0]?.command;
}

/** Forgets those of a machine that is gone, or those for other devices than this. */
export function dropCommands(sql: SqlStorage, machineId: MachineId, exceptDevice = ""): void {
  sql.exec("DELETE FROM agent_commands WHERE machine_id = ? AND device <> ?", machineId, exceptDevice);
}
