import * as v from "valibot";

/**
 * The dashboard's live events: WebSocket `GET /api/realtime?org_id=<id>`, access token in the subprotocol
 * `access_token.<jwt>` (or, for scripts of the contract, in the query parameter `token`).
 */
export const REALTIME_PATH = "/api/realtime";
export const REALTIME_TOKEN_PROTOCOL = "access_token.";
/** Close code for a socket that was silent too long. */
export const CLOSE_IDLE = 4000;
/**
 * Close code for a socket whose owner left the org, got another role or ended a session: connect again, and what may be heard is
 * decided anew.
 */
export const CLOSE_MEMBERSHIP = 4001;
/** How the Worker hands an admitted socket on to the org object: the channels this person may hear, comma-separated. */
export const CHANNELS_HEADER = "x-ztna-channels";
/** Beside it: whose socket it is. */
export const USER_HEADER = "x-ztna-user";

export const realtimeChannels = [
  "machines",
  "members",
  "audit",
  "keys",
  "general",
  "posture",
  "threats",
  "certificates",
  "dns",
  "acl",
  "billing",
  "remote_desktop",
] as const;
export type RealtimeChannel = (typeof realtimeChannels)[number];

export const realtimeClientMessageSchema = v.variant("type", [
  v.object({ type: v.literal("subscribe"), channels: v.pipe(v.array(v.picklist(realtimeChannels)), v.maxLength(20)) }),
  v.object({ type: v.literal("ping") }),
  /** A word to the others who listen to `general`, who get it as `{from: <user id>, message}`: nobody can send what looks like a row. */
  v.object({
    type: v.literal("broadcast"),
    channel: v.literal("general"),
    payload: v.record(v.string(), v.unknown()),
  }),
]);
export type RealtimeClientMessage = v.InferOutput<typeof realtimeClientMessageSchema>;

export const realtimeEventSchema = v.object({
  type: v.literal("event"),
  channel: v.picklist(realtimeChannels),
  event: v.picklist(["INSERT", "UPDATE", "DELETE"]),
  /** The row as the table API shows it; of a deleted one at least its `id`. */
  payload: v.record(v.string(), v.unknown()),
  timestamp: v.string(),
});
export type RealtimeEvent = v.InferOutput<typeof realtimeEventSchema>;

export const realtimeServerMessageSchema = v.variant("type", [
  v.object({ type: v.literal("connected"), clientId: v.string(), availableChannels: v.array(v.string()) }),
  v.object({ type: v.literal("subscribed"), channels: v.array(v.string()) }),
  realtimeEventSchema,
  v.object({ type: v.literal("pong") }),
  v.object({ type: v.literal("error"), code: v.string(), message: v.string() }),
]);
export type RealtimeServerMessage = v.InferOutput<typeof realtimeServerMessageSchema>;
