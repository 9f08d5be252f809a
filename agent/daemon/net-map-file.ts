import * as v from "valibot";
import { type NetMap, netMapSchema } from "#protocol/netmap.ts";
import { readFileIfAny, writePrivateFile } from "./private-file.ts";

const fileSchema = v.object({ machine_id: v.string(), map: netMapSchema });

/** The last good map of this machine, or undefined; a damaged one counts as none. */
export function readNetMap(path: string, machineId: string): NetMap | undefined {
  const text = readFileIfAny(path);
  if (text === undefined) return undefined;
  try {
    const file = v.parse(fileSchema, JSON.parse(text));
    return file.machine_id === machineId ? file.map : undefined;
  } catch {
    return undefined;
  }
}

export function writeNetMap(path: string, machineId: string, map: NetMap): void {
  writePrivateFile(path, JSON.stringify({ machine_id: machineId, map }) + "\n");
}
