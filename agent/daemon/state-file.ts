import * as v from "valibot";
import { readFileIfAny, writePrivateFile } from "./private-file.ts";

const registrationSchema = v.object({
  machine_id: v.string(),
  name: v.string(),
  tailnet_ip: v.string(),
  org_id: v.string(),
  /** The machine's credential to the API. Secret. */
  node_key: v.string(),
  /** The control plane it is registered at. */
  api_url: v.string(),
  /** True while an admin has not approved the machine. */
  pending: v.optional(v.boolean()),
  /** Why the control plane last refused this machine for good. */
  problem: v.optional(v.string()),
});
export type Registration = v.InferOutput<typeof registrationSchema>;

/**
 * `state.json`: who this installation is. The keys are there before the first registration is sent, so that one whose
 * answer was lost can be repeated by the same machine.
 */
const stateSchema = v.object({
  version: v.literal(1),
  /** WireGuard keys in base64. */
  wireguard_private_key: v.string(),
  wireguard_public_key: v.string(),
  /** Ed25519: the private seed and the public key in hex. */
  machine_private_key: v.string(),
  machine_key: v.string(),
  registration: v.nullable(registrationSchema),
});
export type AgentState = v.InferOutput<typeof stateSchema>;

export function readState(path: string): AgentState | undefined {
  const text = readFileIfAny(path);
  if (text === undefined) return undefined;
  const parsed = v.safeParse(stateSchema, parseJson(text));
  if (parsed.success) return parsed.output;
  throw new Error(`${path} is damaged. Run 'ztna logout' and register this machine again.`);
}

export function writeState(path: string, state: AgentState): void {
  writePrivateFile(path, JSON.stringify(state, undefined, 2) + "\n");
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
