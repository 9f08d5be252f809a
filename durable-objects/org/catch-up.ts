import { isCarried, peerOf } from "#domain/netmap/build.ts";
import type { MachineId } from "#protocol/ids.ts";
import type { ResumedMap } from "#protocol/netmap.ts";
import type { Listener } from "./roster.ts";
import { listDeletedMachinesAfter, listMachinesAfter, machineOf } from "./store/machines.ts";
import type { OrgRow } from "./store/org.ts";

/** An agent that missed more gets a whole map: these are put together from texts that are at hand. */
const MOST_MISSED = 500;

/**
 * What an agent has missed since the map it has: the machines with a later revision, as it sees them. Undefined when it was away
 * for too long, or names a map that never was.
 */
export function missedBy(
  sql: SqlStorage,
  org: OrgRow,
  { machineId, seq, view }: Listener,
): Omit<ResumedMap, "map"> | undefined {
  if (seq < org.map_floor || seq > org.seq) return undefined;
  if (view === "apart") return { since: seq, upsert: [], remove: [] };
  const changed = listMachinesAfter(sql, seq, MOST_MISSED + 1);
  const deleted = listDeletedMachinesAfter(sql, seq, MOST_MISSED + 1);
  if (changed.length + deleted.length > MOST_MISSED) return undefined;
  const others = changed.filter(({ id }) => id !== machineId).map((row) => machineOf(row, org.id));
  const removed: readonly { id: MachineId }[] = [...others.filter((other) => !isCarried(other)), ...deleted];
  return {
    since: seq,
    upsert: others.filter(isCarried).map((other) => peerOf(other, view === "routed")),
    remove: removed.map(({ id }) => id),
  };
}
