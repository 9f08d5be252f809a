import type { Peer } from "#protocol/netmap.ts";
import type { MachineId } from "#protocol/ids.ts";

/** What must be put and taken to turn one list of peers into another. */
export function diffPeers(
  before: readonly Peer[],
  after: readonly Peer[],
): { upsert: Peer[]; remove: MachineId[] } {
  const known = new Map(before.map((peer) => [peer.id, JSON.stringify(peer)]));
  const kept = new Set(after.map((peer) => peer.id));
  return {
    upsert: after.filter((peer) => known.get(peer.id) !== JSON.stringify(peer)),
    remove: before.filter((peer) => !kept.has(peer.id)).map((peer) => peer.id),
  };
}
