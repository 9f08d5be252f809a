import { isCarried, type MappedMachine, type MapRules, peerOf, selfOf, takesRoutes } from "#domain/netmap/build.ts";
import { diffPeers } from "#domain/netmap/diff.ts";
import type { MachineId } from "#protocol/ids.ts";
import type { NetMapDelta, Peer } from "#protocol/netmap.ts";

/** What a machine gets to see of its peers. */
export interface View {
  /** True while it stands apart from the network and hears of nobody. */
  readonly apart: boolean;
  /** True while it hears of the prefixes its peers carry. */
  readonly routes: boolean;
}

/** One machine that listens, the map it has and what it sees. */
export interface Listener extends View {
  readonly machineId: MachineId;
  readonly seq: number;
}

/** A change of the network: machines as they were (undefined for new ones) and as they are. */
export interface Shift {
  readonly machines: readonly { readonly before: MappedMachine | undefined; readonly after: MappedMachine }[];
  readonly seq: number;
  readonly rules: MapRules;
  /** All machines of the org after the change. */
  readonly all: () => readonly MappedMachine[];
}

export function viewOf(machine: MappedMachine, rules: MapRules): View {
  return { apart: !isCarried(machine), routes: takesRoutes(machine, rules) };
}

/** What one listener must hear of a change; undefined when it does not concern it. */
export function deltaFor(listener: Listener, shift: Shift): NetMapDelta | undefined {
  const own = shift.machines.find(({ after }) => after.id === listener.machineId);
  const self = own && changedSelf(own.before, own.after, shift.rules);
  const view = viewAfter(listener, shift);
  const same = view.apart === listener.apart && view.routes === listener.routes;
  const peers = same ? changedPeers(listener, shift) : shownBy(listener, view, shift);
  if (self === undefined && peers.upsert.length === 0 && peers.remove.length === 0) return undefined;
  return { since: listener.seq, seq: shift.seq, ...(self && { self }), ...peers };
}

/** What the listener sees once the change has happened. */
export function viewAfter(listener: Listener, shift: Shift): View {
  const own = shift.machines.find(({ after }) => after.id === listener.machineId);
  const { apart, routes } = own === undefined ? listener : viewOf(own.after, shift.rules);
  return { apart, routes };
}

type PeerChanges = Pick<NetMapDelta, "upsert" | "remove">;

function changedSelf(before: MappedMachine | undefined, after: MappedMachine, rules: MapRules) {
  const self = selfOf(after, rules);
  return before && JSON.stringify(selfOf(before, rules)) === JSON.stringify(self) ? undefined : self;
}

function changedPeers(listener: Listener, { machines }: Shift): PeerChanges {
  if (listener.apart) return { upsert: [], remove: [] };
  const before = machines.flatMap((change) => change.before ?? []);
  return diffPeers(seen(listener, listener, before), seen(listener, listener, machines.map(({ after }) => after)));
}

/** One that sees differently from now on is told the difference over all its peers. */
function shownBy(listener: Listener, view: View, shift: Shift): PeerChanges {
  return diffPeers(seen(listener, listener, allBefore(shift)), seen(listener, view, shift.all()));
}

function seen({ machineId }: Listener, { apart, routes }: View, machines: readonly MappedMachine[]): Peer[] {
  if (apart) return [];
  return machines.filter((machine) => machine.id !== machineId && isCarried(machine))
    .map((machine) => peerOf(machine, routes));
}

function allBefore({ machines, all }: Shift): MappedMachine[] {
  const changed = new Map(machines.map(({ before, after }) => [after.id, before]));
  const kept = all().filter(({ id }) => !changed.has(id));
  return [...kept, ...machines.flatMap(({ before }) => before ?? [])];
}
