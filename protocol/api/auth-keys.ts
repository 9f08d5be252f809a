import * as v from "valibot";
import { authKeyIdSchema, orgIdSchema, userIdSchema } from "../ids.ts";
import { endpoint } from "./endpoint.ts";

export const AUTH_KEY_DEFAULT_DAYS = 90;
const days = "expiry_days must be an integer between 1 and 365";
const seconds = "expires_in must be an integer between 300 and 2592000";

/** An auth key as lists show it; times are ISO 8601. */
export const authKeySchema = v.object({
  id: authKeyIdSchema,
  org_id: orgIdSchema,
  name: v.string(),
  key_prefix: v.string(),
  reusable: v.boolean(),
  ephemeral: v.boolean(),
  used_count: v.number(),
  expires_at: v.string(),
  revoked: v.boolean(),
  /** It is revoked because its time has come, not because somebody revoked it. */
  expired: v.boolean(),
  allowed_tags: v.nullable(v.array(v.string())),
  allowed_cidrs: v.nullable(v.array(v.string())),
  created_by: v.nullable(userIdSchema),
  created_at: v.string(),
});
export type AuthKey = v.InferOutput<typeof authKeySchema>;

export const createAuthKey = endpoint({
  method: "POST",
  path: "/api/key-management",
  aliases: ["/api/api-keys"],
  action: "create_auth_key",
  caller: "user",
  status: 201,
  request: v.object({
    org_id: orgIdSchema,
    name: v.pipe(
      v.string("name must be a string"),
      v.trim(),
      v.nonEmpty("name required"),
      v.maxLength(100, "name must be 1-100 characters"),
    ),
    reusable: v.optional(v.boolean("reusable must be true or false"), false),
    ephemeral: v.optional(v.boolean("ephemeral must be true or false"), false),
    /** Without it and `expires_in`: 90. */
    expiry_days: v.optional(v.pipe(v.number(days), v.integer(days), v.minValue(1, days), v.maxValue(365, days))),
    /** Seconds, in place of `expiry_days`. */
    expires_in: v.optional(
      v.pipe(v.number(seconds), v.integer(seconds), v.minValue(300, seconds), v.maxValue(2_592_000, seconds)),
    ),
    allowed_tags: v.optional(v.array(v.string("allowed_tags must be strings"), "allowed_tags must be an array"), []),
    allowed_cidrs: v.optional(
      v.array(v.string("allowed_cidrs must be strings"), "allowed_cidrs must be an array"),
      [],
    ),
  }),
  response: v.object({
    id: authKeyIdSchema,
    /** The whole key. This answer is the only place it ever appears. */
    key: v.string(),
    key_prefix: v.string(),
    name: v.string(),
    reusable: v.boolean(),
    ephemeral: v.boolean(),
    /** Begun days. */
    expiry_days: v.number(),
    expires_at: v.string(),
    allowed_tags: v.nullable(v.array(v.string())),
    allowed_cidrs: v.nullable(v.array(v.string())),
  }),
  refusals: ["UNAUTHORIZED", "FORBIDDEN", "MISSING_FIELDS", "INVALID_INPUT"],
});

/** How many machines `revoke_auth_key` would quarantine, for who is about to confirm it. */
export const previewRevokeAuthKey = endpoint({
  method: "POST",
  path: "/api/key-management",
  aliases: ["/api/api-keys"],
  action: "preview_revoke_auth_key",
  caller: "user",
  request: v.object({ org_id: orgIdSchema, key_id: authKeyIdSchema }),
  response: v.object({ key_id: authKeyIdSchema, machines_to_quarantine: v.number() }),
  refusals: ["UNAUTHORIZED", "FORBIDDEN", "MISSING_FIELDS", "NOT_FOUND"],
});

export const revokeAuthKey = endpoint({
  method: "POST",
  path: "/api/key-management",
  aliases: ["/api/api-keys"],
  action: "revoke_auth_key",
  caller: "user",
  request: v.object({ org_id: orgIdSchema, key_id: authKeyIdSchema }),
  response: v.object({ revoked: authKeyIdSchema, machines_quarantined: v.number() }),
  refusals: ["UNAUTHORIZED", "FORBIDDEN", "MISSING_FIELDS", "NOT_FOUND"],
});
