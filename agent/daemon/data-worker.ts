/// <reference lib="webworker" />
import { selectEngine } from "../crypto/select.ts";
import { DataPlane } from "../dataplane/data-plane.ts";
import { type DataThreadStart, type PlaneParts, serveDataThread } from "./data-thread.ts";

self.onmessage = ({ data }: MessageEvent<DataThreadStart>) => {
  serveDataThread(data, createPlane, (report) => self.postMessage(report));
};

function createPlane(parts: PlaneParts): { plane: DataPlane; engine: string } {
  const { arena, cells, drops, rekeyAfterMs, sends } = parts;
  const engine = selectEngine(parts, () => performance.now(), Deno.env.get("ZTNA_ENGINE"));
  return { plane: new DataPlane({ arena, engine, cells, drops, rekeyAfterMs, sends }), engine: engine.name };
}
