/// <reference lib="webworker" />
import { createPlane } from "./create-plane.ts";
import { type DataThreadStart, serveDataThread } from "./data-thread.ts";
import { windowsThread } from "./thread-windows.ts";

self.onmessage = ({ data }: MessageEvent<DataThreadStart>) => {
  serveDataThread(data, windowsThread, createPlane, (report) => self.postMessage(report));
};
