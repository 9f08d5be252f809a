/// <reference lib="webworker" />
import { createPlane } from "./create-plane.ts";
import { type DataThreadStart, serveDataThread } from "./data-thread.ts";
import { linuxThread } from "./thread-linux.ts";

self.onmessage = ({ data }: MessageEvent<DataThreadStart>) => {
  serveDataThread(data, linuxThread, createPlane, (report) => self.postMessage(report));
};
