import * as v from "valibot";
import { sessionIdSchema } from "../ids.ts";
import { endpoint } from "./endpoint.ts";

/** One place where a person is logged in; times are ISO 8601. */
export const sessionEntrySchema = v.object({
  id: sessionIdSchema,
  created_at: v.string(),
  /** When its tokens were renewed last: a session in use does that before each access token runs out. */
  last_used_at: v.string(),
  ip: v.nullable(v.string()),
  user_agent: v.nullable(v.string()),
  /** The one that asks. */
  current: v.boolean(),
});
export type SessionEntry = v.InferOutput<typeof sessionEntrySchema>;

const path = "/api/auth/sessions";

export const listSessions = endpoint({
  method: "GET",
  path,
  caller: "user",
  request: v.object({}),
  response: v.array(sessionEntrySchema),
  refusals: ["UNAUTHORIZED"],
});

/** Ends a session, the own one too: its tokens are refused from then on. */
export const revokeSession = endpoint({
  method: "POST",
  path,
  action: "revoke",
  caller: "user",
  request: v.object({ session_id: sessionIdSchema }),
  response: v.object({ revoked: sessionIdSchema }),
  refusals: ["UNAUTHORIZED", "MISSING_FIELDS", "INVALID_INPUT", "NOT_FOUND"],
});

export const revokeOtherSessions = endpoint({
  method: "POST",
  path,
  action: "revoke_others",
  caller: "user",
  request: v.object({}),
  response: v.object({ revoked: v.number() }),
  refusals: ["UNAUTHORIZED"],
});
