import type { MachineId } from "#protocol/ids.ts";

/** What an admin has to send along for a wipe: nobody wipes a machine by a slip. */
export function wipeConfirmation(id: MachineId): string {
  return `WIPE-${id}`;
}

/**
 * Which device a command is meant for. Another one may register under the same name and so become the same machine; it must
 * not be wiped in the place of the one that was lost.
 */
export function deviceOf(machine: { readonly machine_key: string | null; readonly node_key_hash: string }): string {
  return machine.machine_key ?? machine.node_key_hash;
}
