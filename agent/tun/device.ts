/** Packets of a batch, as places in the arena: packet i lies at `offsets[i]` and has `lengths[i]` bytes. */
export interface PacketBatch {
  count: number;
  readonly offsets: Uint32Array;
  readonly lengths: Uint32Array;
  /** For writes to a device with `vnet`: 1 for a piece of the packet before it. */
  readonly joined?: Uint8Array;
}

/** A TUN device as the data thread sees it. Reads never block; waiting is the loop's business. */
export interface TunDevice {
  readonly name: string;
  readonly mtuBytes: number;
  /** True when what `read` gives has a `virtio_net_hdr` before it, and may be a super-packet. */
  readonly vnet: boolean;
  /** Packets one `read` fills at most. */
  readonly batchSize: number;
  /** What the system does for us at the moment. */
  readonly offloads: TunOffloads;
  /** For the poll set; -1 when there is nothing to poll. */
  readonly fd: number;
  /** Packets the device did not take. */
  readonly refused: number;
  /** Error number that ended `read` or `write`, 0 while the device is there. */
  readonly fault: number;
  /**
   * Reads what waits into the batch's slots (`offsets` are given, `lengths` are capacities and become sizes) and sets
   * `count`. Returns false when the device is gone.
   */
  read(batch: PacketBatch): boolean;
  /**
   * Writes a batch (with `vnet`, each packet has its `virtio_net_hdr` right before it); a packet the device refuses is
   * dropped and counted. Returns false when the device is gone.
   */
  write(batch: PacketBatch): boolean;
  /** Switches on what the system has, or all off. */
  setOffloads(enabled: boolean): void;
  close(): void;
}

export interface TunOffloads {
  /** `read` may give super-packets of TCP, or of UDP. */
  readonly tso: boolean;
  readonly uso: boolean;
  /** `write` may be given packets in pieces. */
  readonly join: boolean;
}

export const NO_OFFLOADS: TunOffloads = { tso: false, uso: false, join: false };

/** Why a TUN could not be made, in words for a person. */
export class TunUnavailable extends Error {
  override readonly name = "TunUnavailable";
}
