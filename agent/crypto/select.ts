import type { AeadEngine, Arena } from "./engine.ts";
import { nobleEngine } from "./engines/noble.ts";

/** The engine for one arena. */
export function selectEngine(arena: Arena): AeadEngine {
  return nobleEngine(arena);
}
