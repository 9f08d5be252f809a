import { SharedRing } from "./ring.ts";

/** The far side of a memory TUN in the data thread: what a kernel and its programs are to a real one. */
export class MemoryTunEnd {
  readonly inbound = SharedRing.create(RING_BYTES);
  readonly outbound = SharedRing.create(RING_BYTES);
  readonly #wake: () => void;

  constructor(wake: () => void) {
    this.#wake = wake;
  }

  /** Sends an IP packet into the tunnel. False when the data thread is too slow. */
  push(packet: Uint8Array): boolean {
    const pushed = this.inbound.push(packet);
    this.#wake();
    return pushed;
  }

  /** Takes the IP packets that came out of the tunnel. */
  collect(): Uint8Array[] {
    const packets: Uint8Array[] = [];
    for (let packet = this.outbound.peek(); packet !== undefined; packet = this.outbound.peek()) {
      packets.push(packet.slice());
      this.outbound.release(packet);
    }
    return packets;
  }

  /** Resolves when there is something to collect. */
  arrived(): Promise<void> {
    return this.outbound.filled();
  }
}

const RING_BYTES = 256 * 1024;
