import type { PacketBatch, TunDevice } from "../../../../agent/tun/device.ts";

const SLOT_BYTES = 2048;

/** Memory and batches around a TUN, in slots as the data thread has them. */
export class TunRig {
  readonly arena = new Uint8Array(new SharedArrayBuffer(64 * SLOT_BYTES));
  readonly batchSize = 8;

  read(tun: TunDevice): Uint8Array[] {
    const batch = this.#batch();
    batch.lengths.fill(SLOT_BYTES);
    tun.read(batch);
    return Array.from({ length: batch.count }, (_, at) => this.arena.slice(batch.offsets[at], end(batch, at)));
  }

  write(tun: TunDevice, packets: readonly Uint8Array[]): boolean {
    const batch = this.#batch();
    batch.count = packets.length;
    packets.forEach((packet, at) => {
      this.arena.set(packet, batch.offsets[at]);
      batch.lengths[at] = packet.length;
    });
    return tun.write(batch);
  }

  #batch(): PacketBatch {
    const offsets = Uint32Array.from({ length: this.batchSize }, (_, at) => at * SLOT_BYTES);
    return { count: 0, offsets, lengths: new Uint32Array(this.batchSize) };
  }
}

function end(batch: PacketBatch, at: number): number {
  return batch.offsets[at]! + batch.lengths[at]!;
}
