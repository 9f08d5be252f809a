import { kernel32 } from "../os/ffi/kernel32-windows.ts";
import { addressOf } from "../os/ffi/memory.ts";
import type { Sleeper } from "./data-loop.ts";
import type { SharedRing } from "./ring.ts";

/** Sleeps in WaitForMultipleObjects until an event is set: one of the device's and the socket's, or the control thread's. */
export class WindowsSleeper implements Sleeper {
  readonly #commands: SharedRing;
  readonly #count: number;
  /** Shared memory, because it never moves. */
  readonly #handles: BigUint64Array;
  readonly #handlesAddress: bigint;

  /** `wakeEvent` is a `WindowsWaker`'s and resets itself. */
  constructor(events: readonly bigint[], wakeEvent: bigint, commands: SharedRing) {
    this.#commands = commands;
    const all = [...events, wakeEvent];
    this.#count = all.length;
    this.#handles = new BigUint64Array(new SharedArrayBuffer(all.length * 8));
    this.#handles.set(all);
    this.#handlesAddress = addressOf(new Uint8Array(this.#handles.buffer));
  }

  sleep(timeoutMs: number): void {
    this.#commands.announceSleep();
    // Whoever wrote before the line above woke nobody.
    if (this.#commands.empty) kernel32.WaitForMultipleObjects(this.#count, this.#handlesAddress, 0, timeoutMs);
    this.#commands.announceWake();
  }
}

/** Ends the sleep of another thread. */
export class WindowsWaker {
  readonly event: bigint;

  constructor() {
    this.event = kernel32.CreateEventW(0n, 0, 0, 0n);
    if (this.event === 0n) throw new Error(`Cannot make an event: Windows error ${kernel32.GetLastError()}.`);
  }

  wake(): void {
    kernel32.SetEvent(this.event);
  }

  close(): void {
    kernel32.CloseHandle(this.event);
  }
}
