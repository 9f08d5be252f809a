import { selectEngine } from "../crypto/select.ts";
import { DataPlane } from "../dataplane/data-plane.ts";
import type { PlaneParts } from "./data-thread.ts";

/** The data plane of one thread, with the fastest engine of this machine. */
export function createPlane(parts: PlaneParts): { plane: DataPlane; engine: string } {
  const { arena, cells, drops, shields, rekeyAfterMs, sends } = parts;
  const engine = selectEngine(parts, () => performance.now(), Deno.env.get("ZTNA_ENGINE"));
  const randomBytes = (size: number) => crypto.getRandomValues(new Uint8Array(size));
  const plane = new DataPlane({ arena, engine, cells, drops, shields, rekeyAfterMs, randomBytes, sends });
  return { plane, engine: engine.name };
}
