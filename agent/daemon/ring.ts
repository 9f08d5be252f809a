/**
 * A queue of byte records in memory two threads share: one writes, the other reads, neither ever waits inside it. A record
 * is its length (u32) and its bytes, padded to 4. `HEAD` and `TAIL` count bytes ever written and read, modulo 2^32.
 */
export class SharedRing {
  readonly memory: SharedArrayBuffer;
  readonly #state: Int32Array;
  readonly #lengths: Uint32Array;
  readonly #bytes: Uint8Array;
  readonly #capacity: number;

  /** Attaches to the ring that lies in `memory`; `SharedRing.create` makes one. */
  constructor(memory: SharedArrayBuffer) {
    this.memory = memory;
    this.#state = new Int32Array(memory, 0, STATE_BYTES / 4);
    this.#lengths = new Uint32Array(memory, STATE_BYTES);
    this.#bytes = new Uint8Array(memory, STATE_BYTES);
    this.#capacity = this.#bytes.length;
  }

  /** `capacityBytes` is a power of two. */
  static create(capacityBytes: number): SharedRing {
    return new SharedRing(new SharedArrayBuffer(STATE_BYTES + capacityBytes));
  }

  /** False when there is no room (and for ever when a record is longer than half the ring). */
  push(record: Uint8Array): boolean {
    const size = 4 + align(record.length);
    const head = Atomics.load(this.#state, HEAD);
    const start = (head >>> 0) % this.#capacity;
    const skipped = start + size > this.#capacity ? this.#capacity - start : 0;
    const free = this.#capacity - this.#used(head);
    if (size + skipped > free || size > this.#capacity / 2) return false;
    if (skipped > 0) this.#lengths[start / 4] = SKIP;
    const at = skipped > 0 ? 0 : start;
    this.#lengths[at / 4] = record.length;
    this.#bytes.set(record, at + 4);
    Atomics.store(this.#state, HEAD, (head + skipped + size) | 0);
    return true;
  }

  /** The oldest record, where it lies: valid until `release`. */
  peek(): Uint8Array | undefined {
    const tail = Atomics.load(this.#state, TAIL);
    if (tail === Atomics.load(this.#state, HEAD)) return undefined;
    const start = (tail >>> 0) % this.#capacity;
    const length = this.#lengths[start / 4] ?? 0;
    if (length !== SKIP) return this.#bytes.subarray(start + 4, start + 4 + length);
    Atomics.store(this.#state, TAIL, (tail + this.#capacity - start) | 0);
    return this.peek();
  }

  /** Gives back the memory of the record that `peek` showed, zeroed: keys pass through. */
  release(record: Uint8Array): void {
    record.fill(0);
    const tail = Atomics.load(this.#state, TAIL);
    Atomics.store(this.#state, TAIL, (tail + 4 + align(record.length)) | 0);
  }

  get empty(): boolean {
    return Atomics.load(this.#state, HEAD) === Atomics.load(this.#state, TAIL);
  }

  /** Reader: says that it is about to sleep and must be woken. Look at `empty` once more after it. */
  announceSleep(): void {
    Atomics.store(this.#state, SLEEPING, 1);
  }

  announceWake(): void {
    Atomics.store(this.#state, SLEEPING, 0);
  }

  /** Writer: whether the reader has to be woken by other means. True once per sleep. */
  takeSleeping(): boolean {
    return Atomics.exchange(this.#state, SLEEPING, 0) === 1;
  }

  /** Writer: wakes a reader that waits in `filled`. */
  notify(): void {
    Atomics.notify(this.#state, HEAD);
  }

  /** Reader on an event loop: resolves when there is something to read. */
  async filled(): Promise<void> {
    const tail = Atomics.load(this.#state, TAIL);
    const { async, value } = Atomics.waitAsync(this.#state, HEAD, tail);
    if (async) await value;
  }

  #used(head: number): number {
    return (head - Atomics.load(this.#state, TAIL)) >>> 0;
  }
}

const HEAD = 0;
/** On another cache line than `HEAD`: each has one writer. */
const TAIL = 16;
const SLEEPING = 32;
const STATE_BYTES = 192;
const SKIP = 0xffff_ffff;

function align(bytes: number): number {
  return (bytes + 3) & ~3;
}
