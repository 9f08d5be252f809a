import { errnoText } from "../os/ffi/errno-linux.ts";
import { errno, libc } from "../os/ffi/libc-linux.ts";
import { addressOf } from "../os/ffi/memory.ts";
import type { Sleeper } from "./data-loop.ts";
import type { Waker } from "./platform.ts";
import type { SharedRing } from "./ring.ts";

/** Sleeps in poll(2) until a file is readable or the control thread wrote to the eventfd. */
export class LinuxSleeper implements Sleeper {
  readonly #rings: readonly SharedRing[];
  readonly #wakeFd: number;
  readonly #polls: Int32Array;
  readonly #pollsAddress: bigint;
  readonly #count: bigint;
  readonly #value = new Uint8Array(new SharedArrayBuffer(8));
  readonly #valueAddress = addressOf(this.#value);

  /** Files below 0 are never ready; whoever writes into one of the rings wakes by `wakeFd`. */
  constructor(files: readonly number[], wakeFd: number, ...rings: readonly SharedRing[]) {
    this.#rings = rings;
    this.#wakeFd = wakeFd;
    const all = [...files, wakeFd];
    this.#count = BigInt(all.length);
    // struct pollfd, 8 bytes: fd i32, events i16, revents i16. Shared memory, because it never moves.
    this.#polls = new Int32Array(new SharedArrayBuffer(all.length * 8));
    this.#pollsAddress = addressOf(new Uint8Array(this.#polls.buffer));
    all.forEach((fd, at) => this.#polls.set([fd, POLLIN], at * 2));
  }

  sleep(timeoutMs: number): void {
    for (const ring of this.#rings) ring.announceSleep();
    // Whoever wrote before the line above woke nobody.
    if (this.#rings.every((ring) => ring.empty)) libc.poll(this.#pollsAddress, this.#count, timeoutMs);
    for (const ring of this.#rings) ring.announceWake();
    const woken = this.#polls[this.#polls.length - 1]! >>> 16;
    if (woken !== 0) libc.read(this.#wakeFd, this.#valueAddress, 8n);
    this.#polls[this.#polls.length - 1] = POLLIN;
  }
}

export class LinuxWaker implements Waker {
  /** An eventfd. */
  readonly handle: number;
  readonly #isShared: boolean;
  /** Shared memory, because it never moves; a field, because an address alone does not keep it from being collected. */
  readonly #one = new Uint8Array(new SharedArrayBuffer(8));
  readonly #oneAddress = addressOf(this.#one);

  /** One of its own, or one that another thread made and closes. */
  constructor(sharedHandle?: number) {
    this.#isShared = sharedHandle !== undefined;
    this.handle = sharedHandle ?? libc.eventfd(0, EFD_NONBLOCK_CLOEXEC);
    if (this.handle < 0) throw new Error(`Cannot make an eventfd: ${errnoText(errno())}.`);
    this.#one[0] = 1;
  }

  wake(): void {
    libc.write(this.handle, this.#oneAddress, 8n);
  }

  close(): void {
    if (!this.#isShared) libc.close(this.handle);
  }
}

const POLLIN = 1;
const EFD_NONBLOCK_CLOEXEC = 0x800 | 0x80000;
