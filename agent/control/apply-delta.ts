import type { NetMap, NetMapDelta, Peer } from "#protocol/netmap.ts";

/** What became of a delta: a newer map, nothing (it was heard already), or a gap that only a whole map can close. */
export type Applied = { readonly map: NetMap } | "old" | "gap";

export function applyDelta(map: NetMap, delta: NetMapDelta): Applied {
  if (delta.since > map.seq) return "gap";
  if (delta.seq <= map.seq) return "old";
  const peers = new Map<string, Peer>(map.peers.map((peer) => [peer.id, peer]));
  for (const id of delta.remove) peers.delete(id);
  for (const peer of delta.upsert) peers.set(peer.id, peer);
  return { map: { ...map, seq: delta.seq, self: delta.self ?? map.self, peers: [...peers.values()] } };
}
