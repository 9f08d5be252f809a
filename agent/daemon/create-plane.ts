import { selectEngine } from "../crypto/select.ts";
import { randomBytes } from "node:crypto";
import { DataPlane } from "../dataplane/data-plane.ts";
import type { PlaneParts } from "./data-thread.ts";

/** The data plane of one thread, with the fastest engine of this machine. */
export function createPlane(parts: PlaneParts): { plane: DataPlane; engine: string } {
  const { arena, cells, drops, shields, rekeyAfterMs, sends } = parts;
  const engine = selectEngine(parts, () => performance.now(), Deno.env.get("ZTNA_ENGINE"));
  const random = (size: number) => new Uint8Array(randomBytes(size));
  const plane = new DataPlane({ arena, engine, cells, drops, shields, rekeyAfterMs, randomBytes: random, sends });
  return { plane, engine: engine.name };
}
