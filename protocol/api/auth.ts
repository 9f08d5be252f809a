import * as v from "valibot";
import { userIdSchema } from "../ids.ts";
import { endpoint } from "./endpoint.ts";

export const emailSchema = v.pipe(
  v.string("email must be a string"),
  v.trim(),
  v.toLowerCase(),
  v.email("email must be an e-mail address"),
  v.maxLength(254, "email must be at most 254 characters"),
);
export function newPasswordSchema(field: string) {
  return v.pipe(
    v.string(`${field} must be a string`),
    v.minLength(8, `${field} must be at least 8 characters`),
    v.maxLength(1000, `${field} must be at most 1000 characters`),
  );
}
export const fullNameSchema = v.pipe(
  v.string("full_name must be a string"),
  v.trim(),
  v.maxLength(100, "full_name must be at most 100 characters"),
);

/** A session: the access token appears under both names (product contract C28). Lifetimes in seconds. */
export const sessionSchema = v.object({
  token: v.string(),
  access_token: v.string(),
  refresh_token: v.string(),
  expires_in: v.number(),
  user: v.object({ id: userIdSchema, email: v.string() }),
});
export type Session = v.InferOutput<typeof sessionSchema>;

export const signup = endpoint({
  method: "POST",
  path: "/api/auth/signup",
  caller: "anyone",
  status: 201,
  request: v.object({
    email: emailSchema,
    password: newPasswordSchema("password"),
    full_name: v.optional(fullNameSchema),
  }),
  response: sessionSchema,
  refusals: ["MISSING_FIELDS", "INVALID_INPUT", "CONFLICT", "RATE_LIMITED"],
});

export const login = endpoint({
  method: "POST",
  path: "/api/auth/login",
  caller: "anyone",
  request: v.object({ email: emailSchema, password: v.string("password must be a string") }),
  response: sessionSchema,
  refusals: ["MISSING_FIELDS", "INVALID_CREDENTIALS", "ACCOUNT_LOCKED", "RATE_LIMITED"],
});

export const refresh = endpoint({
  method: "POST",
  path: "/api/auth/refresh",
  caller: "anyone",
  request: v.object({ refresh_token: v.optional(v.string("refresh_token must be a string")) }),
  response: sessionSchema,
  refusals: ["MISSING_TOKEN", "INVALID_TOKEN"],
});

export const logout = endpoint({
  method: "POST",
  path: "/api/auth/logout",
  caller: "anyone",
  request: v.object({ refresh_token: v.optional(v.string("refresh_token must be a string")) }),
  response: v.object({ logged_out: v.literal(true) }),
  refusals: [],
});

export const profileSchema = v.object({
  id: userIdSchema,
  email: v.string(),
  full_name: v.nullable(v.string()),
  avatar_url: v.nullable(v.string()),
});

export const me = endpoint({
  method: "GET",
  path: "/api/auth/me",
  caller: "user",
  request: v.object({}),
  response: profileSchema,
  refusals: ["UNAUTHORIZED"],
});
