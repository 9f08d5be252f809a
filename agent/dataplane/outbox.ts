import type { DataArena } from "./arena.ts";
import type { DataEvent, Endpoint } from "./link.ts";

/**
 * What the data thread's pure half wants done, drained by its shell once per round. Datagrams and packets are places in
 * the arena and belong to the outbox until `clear`.
 */
export class Outbox {
  /** Datagrams that one packet read from the TUN may become. */
  static readonly mostSegments = 256;
  readonly #arena: DataArena;
  /** Where the next datagram starts. */
  #end: number;
  datagramCount = 0;
  readonly datagramOffsets: Uint32Array;
  readonly datagramLengths: Uint32Array;
  readonly datagramTargets: Endpoint[] = [];
  /** ECN bits of the outer packet. */
  readonly datagramEcn: Uint8Array;
  packetCount = 0;
  readonly packetOffsets: Uint32Array;
  readonly packetLengths: Uint32Array;
  /** 1 for a piece that is to be written behind the packet before it, as part of it. */
  readonly packetJoined: Uint8Array;
  readonly events: DataEvent[] = [];

  constructor(arena: DataArena) {
    this.#arena = arena;
    this.#end = arena.udpOut.offset;
    this.datagramOffsets = new Uint32Array(arena.udpOut.slots);
    this.datagramLengths = new Uint32Array(arena.udpOut.slots);
    this.datagramEcn = new Uint8Array(arena.udpOut.slots);
    this.packetOffsets = new Uint32Array(arena.udpOut.slots);
    this.packetLengths = new Uint32Array(arena.udpOut.slots);
    this.packetJoined = new Uint8Array(arena.udpOut.slots);
  }

  /** True when what another packet may become cannot be held for sure: the shell drains before it hands over more. */
  get full(): boolean {
    const room = this.#arena.udpOut.slots - Outbox.mostSegments;
    return this.datagramCount >= room || this.packetCount >= room;
  }

  /** Offset at which the next datagram is built; it counts only after `addDatagram`. */
  nextDatagram(): number {
    return this.#end;
  }

  /** Sends the `length` bytes at `nextDatagram()`. */
  addDatagram(length: number, to: Endpoint, ecn = 0): void {
    this.datagramOffsets[this.datagramCount] = this.#end;
    this.#end += length;
    this.datagramLengths[this.datagramCount] = length;
    this.datagramTargets[this.datagramCount] = to;
    this.datagramEcn[this.datagramCount] = ecn;
    this.datagramCount++;
  }

  /** Sends bytes that lie elsewhere. */
  copyDatagram(bytes: Uint8Array, to: Endpoint): void {
    this.#arena.bytes.set(bytes, this.#end);
    this.addDatagram(bytes.length, to);
  }

  /** Writes an IP packet that lies anywhere in the arena to the TUN. */
  addPacket(offset: number, length: number): void {
    this.packetOffsets[this.packetCount] = offset;
    this.packetLengths[this.packetCount] = length;
    this.packetCount++;
  }

  clear(): void {
    this.#end = this.#arena.udpOut.offset;
    this.datagramCount = 0;
    this.packetCount = 0;
    this.events.length = 0;
  }
}
