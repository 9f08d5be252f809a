import { libc } from "./ffi/libc-linux.ts";

/** Milliseconds of CLOCK_MONOTONIC: the same for all threads, and unlike `performance.timeOrigin` never set by anybody. */
export function monotonicMs(): number {
  // struct timespec, 16 bytes: seconds i64, nanoseconds i64.
  const time = new DataView(new ArrayBuffer(16));
  libc.clock_gettime(CLOCK_MONOTONIC, new Uint8Array(time.buffer));
  return Number(time.getBigInt64(0, true)) * 1000 + time.getUint32(8, true) / 1e6;
}

const CLOCK_MONOTONIC = 1;
