import { kernel32 } from "../os/ffi/kernel32-windows.ts";
import { addressOf } from "../os/ffi/memory.ts";
import type { Sleeper } from "./data-loop.ts";
import type { Waker } from "./platform.ts";
import type { SharedRing } from "./ring.ts";

/** Sleeps in WaitForMultipleObjects until an event is set: one of the device's and the socket's, or the control thread's. */
export class WindowsSleeper implements Sleeper {
  readonly #rings: readonly SharedRing[];
  readonly #count: number;
  /** Shared memory, because it never moves. */
  readonly #handles: BigUint64Array;
  readonly #handlesAddress: bigint;

  /** `wakeEvent` is a `WindowsWaker`'s and resets itself. */
  constructor(events: readonly bigint[], wakeEvent: bigint, ...rings: readonly SharedRing[]) {
    this.#rings = rings;
    const all = [...events, wakeEvent];
    this.#count = all.length;
    this.#handles = new BigUint64Array(new SharedArrayBuffer(all.length * 8));
    this.#handles.set(all);
    this.#handlesAddress = addressOf(new Uint8Array(this.#handles.buffer));
  }

  sleep(timeoutMs: number): void {
    for (const ring of this.#rings) ring.announceSleep();
    // Whoever wrote before the line above woke nobody.
    if (this.#rings.every((ring) => ring.empty)) {
      kernel32.WaitForMultipleObjects(this.#count, this.#handlesAddress, 0, timeoutMs);
    }
    for (const ring of this.#rings) ring.announceWake();
  }
}

export class WindowsWaker implements Waker {
  /** An event; Windows uses 32 bits of a handle. */
  readonly handle: number;
  readonly event: bigint;
  readonly #isShared: boolean;

  /** One of its own, or one that another thread made and closes. */
  constructor(sharedHandle?: number) {
    this.#isShared = sharedHandle !== undefined;
    this.event = sharedHandle === undefined ? kernel32.CreateEventW(0n, 0, 0, 0n) : BigInt(sharedHandle);
    this.handle = Number(this.event);
    if (this.event === 0n) throw new Error(`Cannot make an event: Windows error ${kernel32.GetLastError()}.`);
  }

  wake(): void {
    kernel32.SetEvent(this.event);
  }

  close(): void {
    if (!this.#isShared) kernel32.CloseHandle(this.event);
  }
}
