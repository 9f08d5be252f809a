import { WindowsUdp } from "../net/udp-windows.ts";
import { monotonicMs } from "../os/monotonic-windows.ts";
import { TunUnavailable } from "../tun/device.ts";
import { WindowsTun } from "../tun/windows.ts";
import type { ThreadPlatform } from "./platform.ts";
import { WindowsSleeper, WindowsWaker } from "./sleeper-windows.ts";

export const windowsThread: ThreadPlatform = {
  createWaker: (sharedHandle) => new WindowsWaker(sharedHandle),
  monotonicMs,
  openTun: ({ name, mtuBytes, library }, arena, arenaAddress) => {
    if (library === undefined) {
      throw new TunUnavailable("Cannot make a TUN interface: nobody said where wintun.dll is.");
    }
    return new WindowsTun({ name, mtuBytes, batchSize: arena.tunIn.slots, arenaAddress, library });
  },
  openUdp: (options) => new WindowsUdp(options),
  createSleeper: ({ tun, udp, wakeHandle, rings }) => {
    const events = [
      ...(tun instanceof WindowsTun ? [tun.readEvent] : []),
      ...(udp instanceof WindowsUdp ? [udp.readEvent] : []),
    ];
    return new WindowsSleeper(events, BigInt(wakeHandle), ...rings);
  },
};
