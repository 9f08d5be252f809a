import { type DataArena, slotOffset } from "./arena.ts";
import type { DataEvent, Endpoint } from "./link.ts";

/**
 * What the data thread's pure half wants done, drained by its shell once per round. Datagrams and packets are places in
 * the arena and belong to the outbox until `clear`.
 */
export class Outbox {
  readonly #arena: DataArena;
  datagramCount = 0;
  readonly datagramOffsets: Uint32Array;
  readonly datagramLengths: Uint32Array;
  readonly datagramTargets: Endpoint[] = [];
  packetCount = 0;
  readonly packetOffsets: Uint32Array;
  readonly packetLengths: Uint32Array;
  readonly events: DataEvent[] = [];

  constructor(arena: DataArena) {
    this.#arena = arena;
    this.datagramOffsets = new Uint32Array(arena.udpOut.slots);
    this.datagramLengths = new Uint32Array(arena.udpOut.slots);
    this.packetOffsets = new Uint32Array(arena.udpOut.slots);
    this.packetLengths = new Uint32Array(arena.udpOut.slots);
  }

  /** True when another datagram cannot be held: the shell drains before it reads more. */
  get full(): boolean {
    return this.datagramCount >= this.#arena.udpOut.slots || this.packetCount >= this.packetOffsets.length;
  }

  /** Offset of the slot the next datagram is built in; it counts only after `addDatagram`. */
  nextDatagram(): number {
    return slotOffset(this.#arena.udpOut, this.datagramCount);
  }

  /** Sends the `length` bytes at `nextDatagram()`. */
  addDatagram(length: number, to: Endpoint): void {
    this.datagramOffsets[this.datagramCount] = this.nextDatagram();
    this.datagramLengths[this.datagramCount] = length;
    this.datagramTargets[this.datagramCount] = to;
    this.datagramCount++;
  }

  /** Writes an IP packet that lies anywhere in the arena to the TUN. */
  addPacket(offset: number, length: number): void {
    this.packetOffsets[this.packetCount] = offset;
    this.packetLengths[this.packetCount] = length;
    this.packetCount++;
  }

  clear(): void {
    this.datagramCount = 0;
    this.packetCount = 0;
    this.events.length = 0;
  }
}
