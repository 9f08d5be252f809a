import { DataLink } from "../../../../agent/daemon/data-link.ts";
import { linuxLink } from "../../../../agent/daemon/link-linux.ts";

const worker = new URL("./echo-worker.ts", import.meta.url);
const tun = { kind: "memory", mtuBytes: 1420 } as const;
await DataLink.open({ tun, listenPort: 0, onEvent: () => {} }, {
  ...linuxLink,
  startWorker: () => new Worker(worker, { type: "module" }),
});
await new Promise((resolve) => setTimeout(resolve, 100));
console.log(String(performance.timeOrigin + performance.now()));
Deno.exit(3);
