import type { Endpoint } from "../dataplane/link.ts";

/** The tunnel's UDP socket as the data thread sees it: whole batches, datagrams where they lie in the arena. Never waits. */
export interface UdpDevice extends UdpSocket {
  /** Error number that ended the socket, 0 while it works. */
  readonly fault: number;
  /** Datagrams the system refused: no route, blocked, too long, buffer full. */
  readonly refused: number;
  /** Messages that were handed to the system; one may be many datagrams. */
  readonly messages: number;
  /** Runs of datagrams go out as one message, or come in as one. */
  readonly offloads: { readonly segment: boolean; readonly gro: boolean };
  readonly batch: DatagramBatch;
  /** Fills `batch` with what waits. Returns false when the socket is gone. */
  receive(): boolean;
  /** Sends all, in order; what the system does not take is dropped and counted. Returns false when the socket is gone. */
  send(out: Datagrams): boolean;
  setOffloads(enabled: boolean): void;
  close(): void;
}

/** An open socket as another thread can use it: its file (on Windows its handle), and what it was bound to. */
export interface UdpSocket {
  readonly fd: number;
  /** The system's number for IPv4 alone, or for both families. */
  readonly family: number;
  readonly port: number;
}

export interface UdpOptions {
  /** 0 for any; a taken one is replaced by a free one. */
  readonly port: number;
  readonly memory: TableMemory;
  readonly receive: { readonly offset: number; readonly slotBytes: number; readonly slots: number };
  /** Datagrams of one `send` at most. */
  readonly sendSlots: number;
  /** Hands datagrams of one size to the system as one message. */
  readonly offloads?: boolean;
  /** The open socket of another thread, which closes it. */
  readonly shared?: UdpSocket | undefined;
}

/** Where tables may lie: the arena, its address, and an offset (a multiple of 8) with room to the end of its region. */
export interface TableMemory {
  readonly arena: Uint8Array;
  readonly address: bigint;
  readonly offset: number;
}

/** Datagrams received, as places in the arena. */
export interface DatagramBatch {
  count: number;
  readonly offsets: Uint32Array;
  readonly lengths: Uint32Array;
  /** Size of the datagrams the system joined at each place: all but the last one have it. 0 where there is only one. */
  readonly segments: Uint32Array;
  readonly sources: Endpoint[];
  /** ECN bits of the outer packet. */
  readonly ecn: Uint8Array;
}

/** Datagrams to send: the first `datagramCount` places of the arena and where each goes. */
export interface Datagrams {
  readonly datagramCount: number;
  readonly datagramOffsets: Uint32Array;
  readonly datagramLengths: Uint32Array;
  readonly datagramTargets: readonly Endpoint[];
  readonly datagramEcn: Uint8Array;
}

/** Why there is no UDP socket, in words for a person. */
export class UdpUnavailable extends Error {
  override readonly name = "UdpUnavailable";
}

/** An empty batch for the slots of `receive`. */
export function createBatch({ offset, slotBytes, slots }: UdpOptions["receive"]): DatagramBatch {
  return {
    count: 0,
    offsets: Uint32Array.from({ length: slots }, (_, slot) => offset + slot * slotBytes),
    lengths: new Uint32Array(slots),
    segments: new Uint32Array(slots),
    sources: [],
    ecn: new Uint8Array(slots),
  };
}

/** Limits of one message: segments (linux/udp.h UDP_MAX_SEGMENTS), and bytes. */
const MOST_SEGMENTS = 64;
const MOST_MESSAGE_BYTES = 65_000;

/** Where the run of datagrams ends that one message can hold: a shorter one is its last. */
export function runEnd(first: number, out: Datagrams): number {
  const { datagramOffsets: offsets, datagramLengths: lengths, datagramTargets: targets, datagramEcn: ecn } = out;
  const size = lengths[first]!;
  const most = Math.min(out.datagramCount, first + Math.min(MOST_SEGMENTS, Math.floor(MOST_MESSAGE_BYTES / size)));
  let end = first + 1;
  while (end < most && targets[end] === targets[first] && ecn[end] === ecn[first] && lengths[end]! <= size) {
    if (offsets[end] !== offsets[end - 1]! + lengths[end - 1]!) return end;
    if (lengths[end++]! < size) return end;
  }
  return end;
}
