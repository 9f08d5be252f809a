import type { NetMap, NetMapDelta, Peer, ResumedMap } from "#protocol/netmap.ts";

/** What became of a delta: a newer map, nothing (it was heard already), or a gap that only a whole map can close. */
export type Applied = { readonly map: NetMap } | "old" | "gap";

export function applyDelta(map: NetMap, delta: NetMapDelta): Applied {
  if (delta.since > map.seq) return "gap";
  if (delta.seq <= map.seq) return "old";
  return { map: { ...map, seq: delta.seq, self: delta.self ?? map.self, peers: changedPeers(map, delta) } };
}

/** What a reconnect brings; one that changes no peer may still bring other relays or a new name of the org. */
export function applyResumed(map: NetMap, resumed: ResumedMap): Applied {
  if (resumed.since > map.seq) return "gap";
  if (resumed.map.seq < map.seq) return "old";
  return { map: { ...resumed.map, peers: changedPeers(map, resumed) } };
}

function changedPeers(map: NetMap, { upsert, remove }: Pick<NetMapDelta, "upsert" | "remove">): Peer[] {
  const peers = new Map<string, Peer>(map.peers.map((peer) => [peer.id, peer]));
  for (const id of remove) peers.delete(id);
  for (const peer of upsert) peers.set(peer.id, peer);
  return [...peers.values()];
}
