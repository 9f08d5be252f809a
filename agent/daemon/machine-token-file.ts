import * as v from "valibot";
import { readFileIfAny, writePrivateFile } from "./private-file.ts";

/** `machine-token.json`: the machine's own token for the HTTP API, as the control plane last gave it. */
const tokenSchema = v.object({
  machine_id: v.string(),
  /** Secret. */
  token: v.string(),
  /** Milliseconds since 1970. */
  expires_at: v.number(),
});
export type MachineToken = v.InferOutput<typeof tokenSchema>;

/** Undefined when there is none that can be read: a fresh one is easily had. */
export function readMachineToken(path: string): MachineToken | undefined {
  const text = readFileIfAny(path);
  if (text === undefined) return undefined;
  try {
    return v.parse(tokenSchema, JSON.parse(text));
  } catch {
    return undefined;
  }
}

export function writeMachineToken(path: string, token: MachineToken): void {
  writePrivateFile(path, JSON.stringify(token) + "\n");
}
