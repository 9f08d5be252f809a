/** IP packets of one peer that wait for a session: bounded copies, the oldest goes first when there are too many. */
export class PacketQueue {
  #packets: { readonly bytes: Uint8Array; readonly queuedAt: number }[] = [];
  #bytes = 0;

  get length(): number {
    return this.#packets.length;
  }

  /** Takes a copy of its own and returns how many older packets had to go. */
  push(bytes: Uint8Array, now: number): number {
    this.#packets.push({ bytes, queuedAt: now });
    this.#bytes += bytes.length;
    let dropped = 0;
    for (; this.#packets.length > MOST_PACKETS || this.#bytes > MOST_BYTES; dropped++) this.#take();
    return dropped;
  }

  /** The oldest packet, or undefined. `queuedAt` as given to `push`. */
  shift(): { readonly bytes: Uint8Array; readonly queuedAt: number } | undefined {
    return this.#take();
  }

  #take() {
    const packet = this.#packets.shift();
    if (packet !== undefined) this.#bytes -= packet.bytes.length;
    return packet;
  }
}

const MOST_PACKETS = 128;
const MOST_BYTES = 192 * 1024;
