import type { Timings } from "#protocol/limits.ts";
import type { Change } from "./change.ts";
import { settleAuthKeys, settleNodeKeys } from "./key-expiry.ts";
import { copyLastSeen, markSilent, type Presence, removeEphemeral } from "./machine-changes.ts";
import type { Chore } from "./schedule.ts";
import { keyLifetimeMs } from "./store/org.ts";

/** Chores of the clock: what time alone makes of machines and keys. */
export type TimedChore = Exclude<Chore, "project" | "close_idle">;

/** Does what is due of one chore; answers when there is more to do: milliseconds, or undefined. */
export function doTimed(chore: TimedChore, change: Change, presence: Presence, timings: Timings): number | undefined {
  switch (chore) {
    case "find_silent":
      return markSilent(change, presence, timings.offline_after_s * 1000);
    case "remove_ephemeral":
      return removeEphemeral(change, timings.ephemeral_offline_s * 1000);
    case "copy_last_seen":
      return copyLastSeen(change, presence, timings.last_seen_copy_s * 1000);
    case "expire_auth_keys":
      return settleAuthKeys(change);
    case "expire_node_keys":
      return settleNodeKeys(change);
  }
}

/** One round of a chore serves everybody who is due within a quarter of this: an org is not woken for each of them. */
export function periodOf(chore: TimedChore, timings: Timings): number {
  const seconds: Record<TimedChore, number> = {
    find_silent: timings.offline_after_s,
    remove_ephemeral: timings.ephemeral_offline_s,
    copy_last_seen: timings.last_seen_copy_s,
    expire_auth_keys: timings.key_check_s,
    expire_node_keys: timings.key_check_s,
  };
  return seconds[chore] * 1000;
}

/** Which chores a committed change calls for, and when. */
export function choresAfter({ machines, keys, settings, org, now }: Change, timings: Timings): [TimedChore, number][] {
  const chores: [TimedChore, number][] = [];
  if (machines.some(({ after }) => after.status === "online")) {
    chores.push(["find_silent", now + timings.offline_after_s * 1000]);
    chores.push(["copy_last_seen", now + timings.last_seen_copy_s * 1000]);
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

export interface Sweep {
  /** Machines that were marked offline. */
  readonly expiredCount: number;
  readonly ephemeralCleaned: number;
}

/** Ends at once all that time has brought to its end. */
export function sweep(change: Change, presence: Presence, timings: Timings): Sweep {
  doTimed("find_silent", change, presence, timings);
  const expiredCount = change.machines.length;
  for (const chore of ["remove_ephemeral", "expire_auth_keys", "expire_node_keys"] as const) {
    doTimed(chore, change, presence, timings);
  }
  return { expiredCount, ephemeralCleaned: change.deleted.length };
}
