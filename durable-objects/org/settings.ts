import type { AdminSettings } from "#domain/org/settings.ts";
import type { OrgSettings } from "#protocol/api/orgs.ts";
import type { UserId } from "#protocol/ids.ts";
import type { Change } from "./change.ts";
import { settleNodeKeys } from "./key-expiry.ts";
import { listExitNodes, listSubnetRouters } from "./store/machines.ts";
import { settingsOf } from "./store/org.ts";

/** Takes over what admins decide, and what follows from it for the machines. The same again changes nothing. */
export function updateSettings(change: Change, wanted: Partial<AdminSettings>, by: UserId): OrgSettings {
  const before = settingsOf(change.org);
  const changed = Object.fromEntries(
    Object.entries(wanted).filter(([setting, value]) => before[setting as keyof AdminSettings] !== value),
  ) as Partial<AdminSettings>;
  if (Object.keys(changed).length === 0) return before;
  change.saveSettings(changed);
  if (changed.allow_exit_nodes === false) withdrawExitNodes(change);
  if (changed.allow_subnet_routing === false) withdrawRoutes(change);
  if (changed.key_expiry_days !== undefined) settleNodeKeys(change);
  change.audit("settings.updated", "org", change.org.id, by, changed);
  return settingsOf(change.org);
}

/** Whoever switches it on again decides anew about each machine. */
function withdrawExitNodes(change: Change): void {
  for (const row of listExitNodes(change.sql)) change.saveMachine(row, { exit_node_approved: 0 });
}

function withdrawRoutes(change: Change): void {
  for (const row of listSubnetRouters(change.sql)) change.saveMachine(row, { approved_routes: "[]" });
}
