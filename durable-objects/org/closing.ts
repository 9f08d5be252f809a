import type { Change } from "./change.ts";
import { listAuthKeys } from "./store/auth-keys.ts";
import { listMachines } from "./store/machines.ts";

/** Ends an org that nobody belongs to any more: its keys enrol nobody, its machines are gone and their agents refused. */
export function closeOrg(change: Change): void {
  for (const key of listAuthKeys(change.sql)) if (key.revoked === 0) change.saveKey(key, { revoked: 1 });
  for (const machine of listMachines(change.sql)) change.deleteMachine(machine);
}
