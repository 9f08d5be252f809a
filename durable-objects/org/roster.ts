import { isCarried, type MappedMachine, peerOf, peersOf, selfOf } from "#domain/netmap/build.ts";
import { diffPeers } from "#domain/netmap/diff.ts";
import type { MachineId } from "#protocol/ids.ts";
import type { NetMapDelta } from "#protocol/netmap.ts";

/** One machine that listens, and the map it has. */
export interface Listener {
  readonly machineId: MachineId;
  readonly seq: number;
  /** True while it stands apart from the network and hears of nobody. */
  readonly apart: boolean;
}

/** A change of the network: machines as they were (undefined for new ones) and as they are. */
export interface Shift {
  readonly machines: readonly { readonly before: MappedMachine | undefined; readonly after: MappedMachine }[];
  readonly seq: number;
  readonly addressPool: string;
  /** All machines of the org after the change. */
  readonly all: () => readonly MappedMachine[];
}

/** What one listener must hear of a change; undefined when it does not concern it. */
export function deltaFor(listener: Listener, shift: Shift): NetMapDelta | undefined {
  const own = shift.machines.find(({ after }) => after.id === listener.machineId);
  const self = own && changedSelf(own.before, own.after, shift.addressPool);
  const apart = isApartAfter(listener, shift);
  const peers = apart === listener.apart
    ? apart ? nothing : changedPeers(listener.machineId, shift)
    : everybody(own!.after, apart, shift);
  if (self === undefined && peers.upsert.length === 0 && peers.remove.length === 0) return undefined;
  return { since: listener.seq, seq: shift.seq, ...(self && { self }), ...peers };
}

/** Whether the listener stands apart once the change has happened. */
export function isApartAfter(listener: Listener, shift: Shift): boolean {
  const own = shift.machines.find(({ after }) => after.id === listener.machineId);
  return own === undefined ? listener.apart : !isCarried(own.after);
}

type PeerChanges = Pick<NetMapDelta, "upsert" | "remove">;

const nothing: PeerChanges = { upsert: [], remove: [] };

function changedSelf(before: MappedMachine | undefined, after: MappedMachine, pool: string) {
  const self = selfOf(after, pool);
  return before && JSON.stringify(selfOf(before, pool)) === JSON.stringify(self) ? undefined : self;
}

function changedPeers(self: MachineId, { machines }: Shift): PeerChanges {
  const others = machines.filter(({ after }) => after.id !== self);
  const before = others.flatMap((change) => change.before ?? []).filter(isCarried).map(peerOf);
  const after = others.map((change) => change.after).filter(isCarried).map(peerOf);
  return diffPeers(before, after);
}

/** A machine that is set apart loses all peers; one that comes back gets them all. */
function everybody(self: MappedMachine, apart: boolean, shift: Shift): PeerChanges {
  if (!apart) return { upsert: peersOf(self, shift.all()), remove: [] };
  const lost = carriedBefore(shift).filter(({ id }) => id !== self.id);
  return { upsert: [], remove: lost.map(({ id }) => id) };
}

function carriedBefore({ machines, all }: Shift): MappedMachine[] {
  const changed = new Map(machines.map(({ before, after }) => [after.id, before]));
  return all().flatMap((machine) => (changed.has(machine.id) ? changed.get(machine.id) ?? [] : machine)).filter(
    isCarried,
  );
}
