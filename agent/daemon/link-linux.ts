import { libc } from "../os/ffi/libc-linux.ts";
import { monotonicMs } from "../os/monotonic-linux.ts";
import type { LinkPlatform } from "./platform.ts";
import { LinuxWaker } from "./sleeper-linux.ts";

export const linuxLink: LinkPlatform = {
  createWaker: (sharedHandle) => new LinuxWaker(sharedHandle),
  monotonicMs,
  mostThreads: 2,
  startWorker: () => new Worker(new URL("./data-worker.ts", import.meta.url), { type: "module" }),
  closeFiles: ({ tun, udp }) => {
    // A memory TUN has no file.
    if (tun.fd >= 0) libc.close(tun.fd);
    libc.close(udp.fd);
  },
};
