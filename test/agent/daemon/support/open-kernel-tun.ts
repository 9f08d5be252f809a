import { DataLink } from "../../../../agent/daemon/data-link.ts";
import { linuxLink } from "../../../../agent/daemon/link-linux.ts";
import { TunUnavailable } from "../../../../agent/tun/device.ts";

const worker = new URL("./echo-worker.ts", import.meta.url);
const tun = { kind: "kernel", name: "ztna0", mtuBytes: 1420 } as const;
try {
  const link = await DataLink.open(
    { tun, listenPort: 0, onEvent: () => {} },
    { ...linuxLink, startWorker: () => new Worker(worker, { type: "module" }) },
  );
  await link.close();
} catch (error) {
  console.log(error instanceof TunUnavailable ? `${error}` : `not expected: ${error}`);
}
