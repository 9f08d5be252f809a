import { isCarried, type MappedMachine, type MapRules, peerOf, selfOf, viewOf } from "#domain/netmap/build.ts";
import { diffPeers } from "#domain/netmap/diff.ts";
import type { MachineId } from "#protocol/ids.ts";
import type { NetMapDelta, Peer, View } from "#protocol/netmap.ts";

/** One machine that listens, the map it has and what it sees. */
export interface Listener {
  readonly machineId: MachineId;
  readonly seq: number;
  readonly view: View;
}

/** A change of the network: machines as they were (undefined for new ones) and as they are. */
export interface Shift {
  readonly machines: readonly { readonly before: MappedMachine | undefined; readonly after: MappedMachine }[];
  readonly seq: number;
  readonly rules: MapRules;
  /** All machines of the org after the change. */
  readonly all: () => readonly MappedMachine[];
}

/** What one listener must hear of a change; undefined when it does not concern it. */
export function deltaFor(listener: Listener, shift: Shift): NetMapDelta | undefined {
  const own = shift.machines.find(({ after }) => after.id === listener.machineId);
  const self = own && changedSelf(own.before, own.after, shift.rules);
  const view = viewAfter(listener, shift);
  const peers = view === listener.view ? changedPeers(listener, shift) : shownBy(listener, view, shift);
  if (self === undefined && peers.upsert.length === 0 && peers.remove.length === 0) return undefined;
  return { since: listener.seq, seq: shift.seq, ...(self && { self }), ...peers };
}

/** What the listener sees once the change has happened. */
export function viewAfter(listener: Listener, shift: Shift): View {
  const own = shift.machines.find(({ after }) => after.id === listener.machineId);
  return own === undefined ? listener.view : viewOf(own.after, shift.rules);
}

type PeerChanges = Pick<NetMapDelta, "upsert" | "remove">;

function changedSelf(before: MappedMachine | undefined, after: MappedMachine, rules: MapRules) {
  const self = selfOf(after, rules);
  return before && JSON.stringify(selfOf(before, rules)) === JSON.stringify(self) ? undefined : self;
}

function changedPeers(listener: Listener, { machines }: Shift): PeerChanges {
  const before = machines.flatMap((change) => change.before ?? []);
  return diffPeers(seen(listener, before), seen(listener, machines.map(({ after }) => after)));
}

/** One that sees differently from now on is told the difference over all its peers. */
function shownBy(listener: Listener, view: View, shift: Shift): PeerChanges {
  return diffPeers(seen(listener, allBefore(shift)), seen({ ...listener, view }, shift.all()));
}

function seen({ machineId, view }: Listener, machines: readonly MappedMachine[]): Peer[] {
  if (view === "apart") return [];
  return machines.filter((machine) => machine.id !== machineId && isCarried(machine))
    .map((machine) => peerOf(machine, view === "routed"));
}

function allBefore({ machines, all }: Shift): MappedMachine[] {
  const changed = new Map(machines.map(({ before, after }) => [after.id, before]));
  const kept = all().filter(({ id }) => !changed.has(id));
  return [...kept, ...machines.flatMap(({ before }) => before ?? [])];
}
