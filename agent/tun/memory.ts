import { NO_OFFLOADS, type PacketBatch, type TunDevice } from "./device.ts";

/** A queue of packets; a ring in shared memory has the same face as the list below. */
export interface PacketQueue {
  /** False when it is full. Takes a copy. */
  push(packet: Uint8Array): boolean;
  /** Copies the oldest packet to the start of `target` and returns its length, or -1 when there is none. */
  shift(target: Uint8Array): number;
}

export interface MemoryTunOptions {
  readonly mtuBytes: number;
  readonly batchSize: number;
  readonly arena: Uint8Array;
  /** Packets on their way into the tunnel: what a kernel would route to the interface. */
  readonly inbound: PacketQueue;
  /** Packets that came out of the tunnel. */
  readonly outbound: PacketQueue;
}

/** A TUN whose other side is a pair of queues instead of a kernel. */
export class MemoryTun implements TunDevice {
  readonly name = "memory";
  readonly vnet = false;
  readonly offloads = NO_OFFLOADS;
  readonly mtuBytes: number;
  readonly batchSize: number;
  readonly fd = -1;
  refused = 0;
  fault = 0;
  readonly #options: MemoryTunOptions;
  #open = true;

  constructor(options: MemoryTunOptions) {
    this.mtuBytes = options.mtuBytes;
    this.batchSize = options.batchSize;
    this.#options = options;
  }

  read(batch: PacketBatch): boolean {
    const { arena, inbound } = this.#options;
    const capacity = Math.min(batch.offsets.length, this.batchSize);
    batch.count = 0;
    while (this.#open && batch.count < capacity) {
      const start = batch.offsets[batch.count]!;
      const length = inbound.shift(arena.subarray(start, start + batch.lengths[batch.count]!));
      if (length < 0) break;
      batch.lengths[batch.count++] = length;
    }
    return this.#open;
  }

  write(batch: PacketBatch): boolean {
    const { arena, outbound } = this.#options;
    for (let at = 0; this.#open && at < batch.count; at++) {
      const start = batch.offsets[at]!;
      if (!outbound.push(arena.subarray(start, start + batch.lengths[at]!))) this.refused++;
    }
    return this.#open;
  }

  setOffloads(): void {}

  close(): void {
    this.#open = false;
  }
}

/** Packets in the memory of one thread. */
export class PacketList implements PacketQueue {
  readonly #packets: Uint8Array[] = [];

  push(packet: Uint8Array): boolean {
    this.#packets.push(packet.slice());
    return true;
  }

  shift(target: Uint8Array): number {
    const packet = this.#packets.shift();
    if (packet === undefined) return -1;
    const part = packet.subarray(0, target.length);
    target.set(part);
    return part.length;
  }
}
