import { ByteWriter } from "../dataplane/link-bytes.ts";
import type { PacketQueue } from "../tun/memory.ts";
import type { SharedRing } from "./ring.ts";

/**
 * The writing end of a ring for values of one type. What finds the ring full waits here in order, except values that may
 * be lost (packets): those are dropped and counted.
 */
export class RingWriter<T> {
  /** Values dropped because the reader was too slow. */
  dropped = 0;
  readonly #ring: SharedRing;
  readonly #write: (out: ByteWriter, value: T) => void;
  readonly #mayBeLost: (value: T) => boolean;
  readonly #onWritten: ((value: T) => void) | undefined;
  readonly #scratch = new ByteWriter();
  readonly #waiting: T[] = [];

  /** `onWritten` is called when a value has gone into the ring, and the copy made for that is zeroed. */
  constructor(
    ring: SharedRing,
    write: (out: ByteWriter, value: T) => void,
    mayBeLost: (value: T) => boolean,
    onWritten?: (value: T) => void,
  ) {
    this.#ring = ring;
    this.#write = write;
    this.#mayBeLost = mayBeLost;
    this.#onWritten = onWritten;
  }

  /** True while values wait for room: call `flush` again soon. */
  get blocked(): boolean {
    return this.#waiting.length > 0;
  }

  push(value: T): void {
    if (!this.blocked && this.#tryPush(value)) return;
    if (this.#mayBeLost(value)) this.dropped++;
    else this.#waiting.push(value);
  }

  flush(): void {
    let done = 0;
    while (done < this.#waiting.length && this.#tryPush(this.#waiting[done]!)) done++;
    if (done > 0) this.#waiting.splice(0, done);
  }

  #tryPush(value: T): boolean {
    this.#write(this.#scratch, value);
    const pushed = this.#ring.push(this.#scratch.written);
    if (pushed && this.#onWritten !== undefined) {
      this.#scratch.written.fill(0);
      this.#onWritten(value);
    }
    return pushed;
  }
}

/** The reading end of a ring. */
export class RingReader<T> {
  readonly ring: SharedRing;
  readonly #read: (record: Uint8Array) => T;

  constructor(ring: SharedRing, read: (record: Uint8Array) => T) {
    this.ring = ring;
    this.#read = read;
  }

  shift(): T | undefined {
    const record = this.ring.peek();
    if (record === undefined) return undefined;
    const value = this.#read(record);
    this.ring.release(record);
    return value;
  }
}

/** A ring of raw packets, for the memory TUN. */
export class RingPacketQueue implements PacketQueue {
  readonly #ring: SharedRing;

  constructor(ring: SharedRing) {
    this.#ring = ring;
  }

  push(packet: Uint8Array): boolean {
    const pushed = this.#ring.push(packet);
    if (pushed) this.#ring.notify();
    return pushed;
  }

  shift(target: Uint8Array): number {
    const record = this.#ring.peek();
    if (record === undefined) return -1;
    const part = record.subarray(0, target.length);
    target.set(part);
    this.#ring.release(record);
    return part.length;
  }
}
