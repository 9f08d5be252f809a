import * as v from "valibot";
import { sessionSchema } from "./auth.ts";
import { endpoint } from "./endpoint.ts";

/** Where the browser goes once it is signed in: a path of our own pages. */
const next = v.optional(
  v.pipe(
    v.string("next must be a string"),
    v.maxLength(2000, "next is too long"),
    v.regex(/^\/(?![/\\])/, "next must be a path of this site"),
  ),
);

/** The providers other than a password that this deploy has set up, in the order of their buttons. */
export const listProviders = endpoint({
  method: "GET",
  path: "/api/auth/providers",
  caller: "anyone",
  request: v.object({}),
  response: v.array(v.object({ id: v.string(), name: v.string() })),
  refusals: [],
});

const initiate = {
  method: "POST",
  action: "initiate",
  caller: "anyone",
  /** The provider's page, with our `state` in it. */
  response: v.object({ redirect_url: v.string() }),
  refusals: ["NOT_CONFIGURED", "INVALID_INPUT", "RATE_LIMITED"],
} as const;

/** What the provider has sent the browser back with. */
const callback = {
  method: "POST",
  action: "callback",
  caller: "anyone",
  request: v.object({
    code: v.pipe(v.string("code must be a string"), v.maxLength(4000)),
    state: v.pipe(v.string("state must be a string"), v.maxLength(200)),
  }),
  response: sessionSchema,
  refusals: [
    "NOT_CONFIGURED",
    "MISSING_FIELDS",
    "INVALID_STATE",
    "INVALID_CODE",
    "EMAIL_NOT_VERIFIED",
    "FORBIDDEN",
    "RATE_LIMITED",
    "UNAVAILABLE",
  ],
} as const;

const named = v.object({ next });

export const initiateGitHub = endpoint({ ...initiate, path: "/api/auth/github", request: named });
export const completeGitHub = endpoint({ ...callback, path: "/api/auth/github" });
export const initiateGoogle = endpoint({ ...initiate, path: "/api/auth/google", request: named });
export const completeGoogle = endpoint({ ...callback, path: "/api/auth/google" });

/** Any other provider, which speaks OpenID Connect, by its id. */
export const initiateOidc = endpoint({
  ...initiate,
  path: "/api/auth/oidc",
  request: v.object({ provider: v.pipe(v.string("provider must be a string"), v.maxLength(100)), next }),
});
export const completeOidc = endpoint({ ...callback, path: "/api/auth/oidc" });

/** Where providers send the browser back to. */
export const browserCallbacks = {
  github: ["/api/auth/github/callback"],
  google: ["/api/auth/google/callback", "/api/auth/google"],
  oidc: ["/api/auth/oidc/callback", "/api/sso-auth/callback_oidc"],
} as const;
