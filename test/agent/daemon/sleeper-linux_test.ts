import { equal } from "node:assert/strict";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { LinuxWaker } from "../../../agent/daemon/sleeper-linux.ts";
import { libc } from "../../../agent/os/ffi/libc-linux.ts";
import { addressOf } from "../../../agent/os/ffi/memory.ts";

setFlagsFromString("--expose-gc");
const collectGarbage: () => void = runInNewContext("gc");

Deno.test("A waker still wakes after the garbage was collected", () => {
  const wakers = Array.from({ length: 50 }, () => new LinuxWaker());
  collectGarbage();
  const others = Array.from({ length: 1_000 }, () => new SharedArrayBuffer(8));
  const value = new BigUint64Array(new SharedArrayBuffer(8));
  const bytes = new Uint8Array(value.buffer);
  for (const waker of wakers) {
    waker.wake();
    equal(libc.read(waker.handle, addressOf(bytes), 8n), 8n);
    equal(value[0], 1n);
    waker.close();
  }
  equal(others.length, 1_000);
});
