import { kernel32 } from "./ffi/kernel32-windows.ts";

/** Milliseconds of the performance counter: the same for all threads, and never set by anybody. */
export function monotonicMs(): number {
  kernel32.QueryPerformanceCounter(bytes);
  return (Number(count[0]!) * 1000) / ticksPerSecond;
}

const count = new BigInt64Array(1);
const bytes = new Uint8Array(count.buffer);
kernel32.QueryPerformanceFrequency(bytes);
const ticksPerSecond = Number(count[0]!);
