import { monotonicMs } from "../os/monotonic-windows.ts";
import type { LinkPlatform } from "./platform.ts";
import { WindowsWaker } from "./sleeper-windows.ts";

export const windowsLink: LinkPlatform = {
  createWaker: (sharedHandle) => new WindowsWaker(sharedHandle),
  monotonicMs,
  mostThreads: 1,
  startWorker: () => new Worker(new URL("./data-worker-windows.ts", import.meta.url), { type: "module" }),
  closeFiles: () => {
    throw new Error("One thread closes its own files");
  },
};
