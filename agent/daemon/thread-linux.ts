import { LinuxUdp } from "../net/udp-linux.ts";
import { monotonicMs } from "../os/monotonic-linux.ts";
import { LinuxTun } from "../tun/linux.ts";
import type { ThreadPlatform } from "./platform.ts";
import { LinuxSleeper, LinuxWaker } from "./sleeper-linux.ts";

export const linuxThread: ThreadPlatform = {
  createWaker: (sharedHandle) => new LinuxWaker(sharedHandle),
  monotonicMs,
  openTun: ({ name, mtuBytes }, arena, arenaAddress, shared) =>
    new LinuxTun({ name, mtuBytes, batchSize: arena.tunIn.slots, offloads: true, arenaAddress, shared }),
  openUdp: (options) => new LinuxUdp(options),
  createSleeper: ({ role, tun, udp, wakeHandle, rings }) => {
    const files = [...(role === "receive" ? [] : [tun.fd]), ...(role === "send" ? [] : [udp.fd])];
    return new LinuxSleeper(files, wakeHandle, ...rings);
  },
};
