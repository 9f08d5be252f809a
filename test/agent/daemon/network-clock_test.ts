import assert from "node:assert/strict";
import { NetworkClock } from "../../../agent/daemon/network-clock.ts";

Deno.test("the network's clock is the host's until the control plane has said its time, and runs on from that", () => {
  const clock = new NetworkClock();
  assert.ok(Math.abs(clock.now() - Date.now()) < 1000);
  const yesterday = Date.now() - 86_400_000;
  clock.set(yesterday);
  const first = clock.now();
  assert.ok(first >= yesterday && first < yesterday + 60_000);
  assert.ok(clock.now() >= first);
});
