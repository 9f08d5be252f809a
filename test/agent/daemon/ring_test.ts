import { deepEqual, equal, ok } from "node:assert/strict";
import { SharedRing } from "../../../agent/daemon/ring.ts";

function record(number: number): Uint8Array {
  return Uint8Array.from({ length: (number * 37) % 101 }, () => number & 255);
}

function take(ring: SharedRing): Uint8Array | undefined {
  const found = ring.peek();
  if (found === undefined) return undefined;
  const copy = found.slice();
  ring.release(found);
  return copy;
}

Deno.test("A ring gives records back whole and in order, many times around", () => {
  const ring = SharedRing.create(512);
  let written = 0;
  let read = 0;
  while (read < 5000) {
    while (ring.push(record(written))) written++;
    for (let some = 0; some <= read % 4 && read < written; some++) deepEqual(take(ring), record(read++));
  }
  ok(written > read);
});

Deno.test("A full ring refuses and takes again after a release", () => {
  const ring = SharedRing.create(256);
  const big = new Uint8Array(60).fill(7);
  let held = 0;
  while (ring.push(big)) held++;
  equal(held, 4);
  take(ring);
  ok(ring.push(big));
});

Deno.test("A ring refuses a record it can never hold", () => {
  equal(SharedRing.create(256).push(new Uint8Array(200)), false);
});

Deno.test("A released record leaves no bytes behind", () => {
  const ring = SharedRing.create(256);
  ring.push(new Uint8Array(32).fill(0x5e));
  take(ring);
  equal(new Uint8Array(ring.memory).includes(0x5e), false);
});

Deno.test("A sleeping reader is reported once", () => {
  const ring = SharedRing.create(256);
  equal(ring.takeSleeping(), false);
  ring.announceSleep();
  equal(ring.takeSleeping(), true);
  equal(ring.takeSleeping(), false);
});

Deno.test("A reader on an event loop wakes when another thread writes", async () => {
  const ring = SharedRing.create(1 << 16);
  const worker = new Worker(new URL("./support/ring-writer.ts", import.meta.url), { type: "module" });
  worker.postMessage(ring.memory);
  for (let read = 0; read < 20_000;) {
    await ring.filled();
    for (let found = take(ring); found !== undefined; found = take(ring)) deepEqual(found, record(read++));
  }
  worker.terminate();
});
