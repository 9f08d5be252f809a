import * as v from "valibot";
import { agentCommandSchema, commandResultSchema } from "../api/agent-commands.ts";
import { machineTelemetrySchema, ownSettingsSchema } from "../api/machines.ts";
import { wireGuardPublicKeySchema } from "../keys.ts";
import { netMapDeltaSchema, netMapSchema, relayTicketSchema, resumedMapSchema, viewSchema } from "../netmap.ts";

/**
 * The control stream: JSON text messages between an agent and its org object over `GET /api/control`
 * (WebSocket, `Authorization: Bearer <node key>`). The agent speaks first.
 */
export const CONTROL_PATH = "/api/control";

/** Sent as plain text both ways; the runtime answers without waking the object. */
export const KEEPALIVE_PING = "ping";
export const KEEPALIVE_PONG = "pong";

/** WebSocket close codes of the stream: the text of the reason is an error code of the catalogue. */
export const CLOSE_REFUSED = 4001;
export const CLOSE_REPLACED = 4002;
/** Two running agents have the keys of this one: it is the one that must get its own. */
export const CLOSE_CLONED = 4003;

/** How the Worker hands an admitted stream on to the org object: the SHA-256 of the node key in hex. */
export const NODE_KEY_HASH_HEADER = "x-ztna-node-key-hash";
/** Likewise: the host name by which the agent reached this deploy. */
export const PUBLIC_HOST_HEADER = "x-ztna-public-host";

const endpoints = v.pipe(v.array(v.pipe(v.string(), v.maxLength(64))), v.maxLength(32));
const region = v.nullable(v.pipe(v.string(), v.maxLength(32)));

export const agentMessageSchema = v.variant("type", [
  v.object({
    type: v.literal("hello"),
    protocol: v.number(),
    version: v.pipe(v.string(), v.maxLength(100)),
    wireguard_public_key: wireGuardPublicKeySchema,
    endpoints,
    relay_region: region,
    /** The number of the map the agent still has and what it shows, when it has one; answered with `resumed` if that may be. */
    seq: v.optional(v.number()),
    view: v.optional(viewSchema),
    /** Made anew by each start of an agent: one that comes back after another took its place proves that there are two. */
    instance: v.optional(v.pipe(v.string(), v.maxLength(64))),
    /** Ed25519 over `helloStatement`, 128 hex digits: shows the installation to whom its node key is not proof enough. */
    machine_key_signature: v.optional(v.pipe(v.string(), v.regex(/^[0-9a-f]{128}$/))),
    ...machineTelemetrySchema.entries,
    /** What was set on this machine and is not known to have been heard; answered with `settled`. */
    settings: v.optional(ownSettingsSchema),
  }),
  /** What changed of the agent's addresses, home relay, telemetry or settings. */
  v.object({
    type: v.literal("update"),
    endpoints: v.optional(endpoints),
    relay_region: v.optional(region),
    ...machineTelemetrySchema.entries,
    settings: v.optional(ownSettingsSchema),
  }),
  v.object({ type: v.literal("ticket_wanted") }),
  v.object({ type: v.literal("map_wanted") }),
  /** A peer that should be there does not answer, or a person asks who is there: the org looks who has fallen silent. */
  v.object({ type: v.literal("look_wanted") }),
  v.object({ type: v.literal("command_done"), result: commandResultSchema }),
  /** The machine goes offline on purpose (`ztna down`). */
  v.object({ type: v.literal("bye") }),
]);
export type AgentMessage = v.InferOutput<typeof agentMessageSchema>;

export const orgMessageSchema = v.variant("type", [
  /** `now`: milliseconds of the control plane's clock, which an agent goes by where its host's is wrong. */
  v.object({ type: v.literal("map"), map: netMapSchema, now: v.optional(v.number()) }),
  v.object({ type: v.literal("resumed"), ...resumedMapSchema.entries, now: v.optional(v.number()) }),
  v.object({ type: v.literal("delta"), delta: netMapDeltaSchema }),
  v.object({ type: v.literal("ticket"), ticket: relayTicketSchema }),
  /** Machine JWT for the HTTP API, lifetime in seconds. Secret. */
  v.object({ type: v.literal("token"), token: v.string(), expires_in: v.number() }),
  /** Settings were taken; `refused` has one sentence for each that was not granted. */
  v.object({ type: v.literal("settled"), refused: v.array(v.string()) }),
  v.object({ type: v.literal("bye_heard") }),
  /** What the agent has yet to do; answered by `command_done` for each. */
  v.object({ type: v.literal("commands"), commands: v.array(agentCommandSchema) }),
  /** Another agent has used a copy of this one's keys, and was told to get its own. */
  v.object({ type: v.literal("clone_seen") }),
]);
export type OrgMessage = v.InferOutput<typeof orgMessageSchema>;

/** Parses one text message, or answers undefined for anything that is not of the protocol. */
export function readAgentMessage(text: string): AgentMessage | undefined {
  return readMessage(agentMessageSchema, text);
}

export function readOrgMessage(text: string): OrgMessage | undefined {
  return readMessage(orgMessageSchema, text);
}

function readMessage<S extends v.GenericSchema<unknown, unknown>>(schema: S, text: string) {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const parsed = v.safeParse(schema, value);
  return parsed.success ? (parsed.output as v.InferOutput<S>) : undefined;
}
