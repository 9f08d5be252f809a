import * as v from "valibot";
import { sessionSchema } from "./auth.ts";
import { endpoint } from "./endpoint.ts";

/** Where a CLI waits for its code: a port of the person's own computer and nowhere else. */
export const cliRedirectSchema = v.pipe(
  v.string("redirect_uri must be a string"),
  v.regex(/^http:\/\/127\.0\.0\.1:[1-9]\d{0,4}\/callback$/, "redirect_uri must be http://127.0.0.1:<port>/callback"),
);

/** SHA-256 of a secret of the CLI in base64url (RFC 7636, S256). */
export const codeChallengeSchema = v.pipe(
  v.string("code_challenge must be a string"),
  v.regex(/^[A-Za-z0-9_-]{43}$/, "code_challenge must be a SHA-256 in base64url"),
);

/** A person in the browser lets a CLI log in as them: a one-time code for the page to carry to it. */
export const authorizeCliLogin = endpoint({
  method: "POST",
  path: "/api/auth",
  action: "cli_authorize",
  caller: "user",
  request: v.object({ code_challenge: codeChallengeSchema }),
  response: v.object({ code: v.string(), expires_in: v.number() }),
  refusals: ["UNAUTHORIZED", "MISSING_FIELDS", "INVALID_INPUT", "RATE_LIMITED"],
});

/** The CLI trades the code for a session. Only who has the secret behind the challenge can; once. */
export const completeCliLogin = endpoint({
  method: "POST",
  path: "/api/auth",
  action: "cli_complete",
  caller: "anyone",
  request: v.object({
    code: v.pipe(v.string("code must be a string"), v.maxLength(200)),
    code_verifier: v.pipe(v.string("code_verifier must be a string"), v.maxLength(200)),
  }),
  response: sessionSchema,
  refusals: ["MISSING_FIELDS", "INVALID_CODE", "RATE_LIMITED"],
});
