import * as v from "valibot";
import { fullNameSchema, newPasswordSchema, profileSchema, sessionSchema } from "./auth.ts";
import { endpoint } from "./endpoint.ts";

/**
 * What people do to their own account. One without a password, of somebody who comes by a sign-in provider, takes any text for it
 * within ten minutes of a login.
 */

export const updateProfile = endpoint({
  method: "POST",
  path: "/api/auth/update-profile",
  caller: "user",
  request: v.object({
    full_name: v.nullable(v.pipe(fullNameSchema, v.transform((text) => text === "" ? null : text))),
  }),
  response: profileSchema,
  refusals: ["UNAUTHORIZED", "MISSING_FIELDS", "INVALID_INPUT"],
});

/** Ends every session and answers with a new one: whoever had another, or a copy of this one, is out. */
export const changePassword = endpoint({
  method: "POST",
  path: "/api/auth/change-password",
  caller: "user",
  request: v.object({
    current_password: v.string("current_password must be a string"),
    new_password: newPasswordSchema("new_password"),
  }),
  response: sessionSchema,
  refusals: ["UNAUTHORIZED", "MISSING_FIELDS", "INVALID_INPUT", "INVALID_PASSWORD", "INVALID_STATE", "RATE_LIMITED"],
});

/**
 * Removes the person and everything that is theirs alone. Their machines go into quarantine, their name leaves the audit log.
 * Refused with `CONFLICT` as long as an org with other members has no other owner.
 */
export const deleteAccount = endpoint({
  method: "POST",
  path: "/api/auth/delete-account",
  caller: "user",
  request: v.object({ password: v.string("password must be a string") }),
  response: v.object({ deleted: v.literal(true) }),
  refusals: [
    ...["UNAUTHORIZED", "MISSING_FIELDS", "INVALID_INPUT"] as const,
    ...["INVALID_PASSWORD", "INVALID_STATE", "RATE_LIMITED", "CONFLICT"] as const,
  ],
});
