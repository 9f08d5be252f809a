/// <reference lib="webworker" />
import { selectEngine } from "../crypto/select.ts";
import { DataPlane } from "../dataplane/data-plane.ts";
import { type DataThreadStart, type PlaneParts, serveDataThread } from "./data-thread.ts";

self.onmessage = ({ data }: MessageEvent<DataThreadStart>) => {
  serveDataThread(data, createPlane, (report) => self.postMessage(report));
};

function createPlane({ arena, arenaAddress, cells, drops }: PlaneParts): { plane: DataPlane; engine: string } {
  const engine = selectEngine(arena, arenaAddress, () => performance.now(), Deno.env.get("ZTNA_ENGINE"));
  return { plane: new DataPlane({ arena, engine, cells, drops }), engine: engine.name };
}
