import { equal, ok } from "node:assert/strict";
import { SharedRing } from "../../agent/daemon/ring.ts";
import { WindowsSleeper, WindowsWaker } from "../../agent/daemon/sleeper-windows.ts";
import { addressOf } from "../../agent/os/ffi/memory.ts";
import { WindowsTun } from "../../agent/tun/windows.ts";
import { TunRig } from "../agent/tun/support/rig.ts";
import { ipv4Packet } from "../agent/tun/support/tun-suite.ts";
import { DoubleFarSide, wintunFile } from "./support/doubles.ts";

Deno.test("a sleeping thread is woken by a packet, by a command, and by its time", async () => {
  const rig = new TunRig();
  const arenaAddress = addressOf(rig.arena);
  const tun = new WindowsTun({ name: "ztna0", mtuBytes: 1420, batchSize: 8, arenaAddress, library: wintunFile });
  const far = new DoubleFarSide(tun.name);
  const waker = new WindowsWaker();
  const ring = SharedRing.create(4096);
  const sleeper = new WindowsSleeper([tun.readEvent], waker.event, ring);
  const slept = (timeoutMs: number) => {
    const start = performance.now();
    sleeper.sleep(timeoutMs);
    return performance.now() - start;
  };
  ok(slept(50) >= 40, "its time");
  far.push(ipv4Packet(1, 7, 60, 1));
  ok(slept(5_000) < 2_000, "a packet");
  equal(rig.read(tun).length, 1);
  ok(slept(50) >= 40, "the event resets itself");
  waker.wake();
  ok(slept(5_000) < 2_000, "a command");

  // From another thread, while this one is inside the system.
  const script = `
    import { kernel32 } from ${JSON.stringify(import.meta.resolve("../../agent/os/ffi/kernel32-windows.ts"))};
    self.postMessage("ready");
    setTimeout(() => { kernel32.SetEvent(${waker.event}n); self.close(); }, 200);`;
  const worker = new Worker(`data:text/javascript,${encodeURIComponent(script)}`, { type: "module" });
  await new Promise((resolve) => worker.onmessage = resolve);
  ok(slept(20_000) < 10_000, "another thread");
  worker.terminate();
  waker.close();
  tun.close();
});
