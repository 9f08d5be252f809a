/// <reference lib="webworker" />
import { SharedRing } from "../../../../agent/daemon/ring.ts";

self.onmessage = (message: MessageEvent<SharedArrayBuffer>) => {
  const ring = new SharedRing(message.data);
  for (let number = 0; number < 20_000; number++) {
    const record = Uint8Array.from({ length: (number * 37) % 101 }, () => number & 255);
    while (!ring.push(record)) ring.notify();
    ring.notify();
  }
};
