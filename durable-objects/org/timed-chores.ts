import type { Timings } from "#protocol/limits.ts";
import type { Change, MachineChange } from "./change.ts";
import { settleAuthKeys, settleNodeKeys } from "./key-expiry.ts";
import { removeEphemeral } from "./machine-changes.ts";
import type { Chore } from "./schedule.ts";
import { keyLifetimeMs } from "./store/org.ts";

/** Chores of the clock that one change does: what time alone makes of machines and keys. */
export type TimedChore = Exclude<Chore, "project" | "close_idle" | "find_silent">;

/** Does what is due of one chore; answers when there is more to do: milliseconds, or undefined. */
export function doTimed(chore: TimedChore, change: Change, timings: Timings): number | undefined {
  switch (chore) {
    case "remove_ephemeral":
      return removeEphemeral(change, timings.ephemeral_offline_s * 1000);
    case "expire_auth_keys":
      return settleAuthKeys(change);
    case "expire_node_keys":
      return settleNodeKeys(change);
  }
}

/** Which chores a committed change calls for, and when; `isWatched` tells of whom nobody need wait for a sign of life. */
export function choresAfter(
  { machines, keys, settings, org, now }: Change,
  timings: Timings,
  isWatched: (change: MachineChange) => boolean,
): [Chore, number][] {
  const chores: [Chore, number][] = [["project", now + timings.projection_delay_s * 1000]];
  if (machines.some((change) => change.after.status === "online" && !isWatched(change))) {
    chores.push(["find_silent", now + timings.offline_after_s * 1000]);
  }
  if (machines.some(({ after }) => after.ephemeral === 1 && after.status === "offline")) {
    chores.push(["remove_ephemeral", now + timings.ephemeral_offline_s * 1000]);
  }
  for (const { before, after } of machines) {
    const isSame = before?.key_created_at === after.key_created_at &&
      before.key_expiry_disabled === after.key_expiry_disabled && before.key_expired === after.key_expired;
    if (isSame || after.key_expiry_disabled === 1 || after.key_expired === 1) continue;
    chores.push(["expire_node_keys", after.key_created_at + keyLifetimeMs(org)]);
  }
  if (settings.key_expiry_days !== undefined) chores.push(["expire_node_keys", now]);
  for (const { event, row } of keys) if (event === "INSERT") chores.push(["expire_auth_keys", row.expires_at]);
  return chores;
}
