import { isGoneAfter } from "#domain/machine/state.ts";
import type { MachineId } from "#protocol/ids.ts";
import type { Change } from "./change.ts";
import { auditOffline, cleanUp } from "./machine-changes.ts";
import { findMachine, listOnlineLastSeen, stateOf, statusOn } from "./store/machines.ts";

/** The machines with an open stream. */
export interface Presence {
  /** The last sign of life over the stream of each, in milliseconds. */
  lastHeard(): ReadonlyMap<MachineId, number>;
  dropSilent(id: MachineId): void;
}

/** When the first machine will have been silent for too long, in milliseconds; `Infinity` when none can. */
export interface NextSilence {
  readonly withStream: number;
  readonly withoutStream: number;
}

/**
 * Marks the machines offline that were silent for too long, and deletes the ephemeral ones among them. With `sparing`, those
 * without a stream are left alone.
 */
export function markSilent(
  change: Change,
  presence: Presence,
  { offlineAfterMs, sparing }: { readonly offlineAfterMs: number; readonly sparing: boolean },
): NextSilence {
  let [withStream, withoutStream] = [Infinity, Infinity];
  const heard = presence.lastHeard();
  for (const { id, last_seen } of listOnlineLastSeen(change.sql)) {
    const heardAt = heard.get(id);
    const lastSeen = Math.max(last_seen, heardAt ?? 0);
    const dueAt = lastSeen + offlineAfterMs;
    if (dueAt <= change.now && (heardAt !== undefined || !sparing)) markOne(change, presence, id, lastSeen);
    else if (heardAt === undefined) withoutStream = Math.min(withoutStream, dueAt);
    else withStream = Math.min(withStream, dueAt);
  }
  return { withStream, withoutStream };
}

function markOne(change: Change, presence: Presence, id: MachineId, lastSeen: number): void {
  const row = findMachine(change.sql, id)!;
  presence.dropSilent(id);
  if (isGoneAfter("fell_silent", stateOf(row), row.ephemeral === 1)) return cleanUp(change, row, "heartbeat_timeout");
  const after = change.saveMachine(row, { status: statusOn(row, "fell_silent"), last_seen: lastSeen });
  auditOffline(change, after, "heartbeat_timeout");
}
