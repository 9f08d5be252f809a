import * as v from "valibot";
import { machineSchema } from "#protocol/api/machines.ts";
import { updateMachineFlags, updateMachineTags } from "#protocol/api/machine-admin.ts";
import type { MachineCommand } from "../../durable-objects/org/machine-admin.ts";
import { unwrap } from "../http/unwrap.ts";
import { adminOf, orgObject, type Table, updateOf } from "./table.ts";

const { org_id: _, machine_id: __, ...flags } = updateMachineFlags.request.entries;

const writable = v.object({
  name: v.optional(v.string("name must be a string")),
  tags: v.optional(updateMachineTags.request.entries.tags),
  ...flags,
});

/** The truth is the org object's. */
export const machines: Table = {
  columns: Object.keys(machineSchema.entries),
  readers: "machine",
  read: async (scope) => unwrap(await orgObject(scope).listMachines()),
  insert: "A machine enrols itself: POST /api/register-machine",
  update: updateOf(
    writable,
    async (scope, filters, changed) =>
      unwrap(await orgObject(scope).changeMachines(filters, commandsOf(changed), adminOf(scope))),
  ),
  remove: async (scope, filters) => unwrap(await orgObject(scope).deleteMachines(filters, adminOf(scope))),
};

/** The columns as what they are elsewhere: things that are done to a machine. */
function commandsOf({ name, tags, ...flags }: v.InferOutput<typeof writable>): MachineCommand[] {
  const commands: MachineCommand[] = [];
  if (name !== undefined) commands.push({ do: "rename", name });
  if (tags !== undefined) commands.push({ do: "update_tags", tags });
  if (Object.keys(flags).length > 0) commands.push({ do: "update_flags", flags });
  return commands;
}
