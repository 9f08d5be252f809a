import { randomBytes } from "node:crypto";
import { getCookie, setCookie } from "hono/cookie";
import { macFor } from "#domain/secrets/keyed-mac.ts";
import { secretHash } from "#domain/secrets/routed-secret.ts";
import { browserCallbacks } from "#protocol/api/oauth.ts";
import { ZtnaError } from "#protocol/errors.ts";
import type { AppContext } from "../context.ts";
import { database } from "../db/database.ts";
import { insertOAuthState, takeOAuthState } from "../db/oauth-states.ts";
import type { LoginAttempt } from "./identity-provider.ts";
import type { ProviderSetting } from "./login-providers.ts";

export type Door = keyof typeof browserCallbacks;

// Lax: the browser comes back from another site.
const COOKIE = "__Host-login";

export function doorOf({ kind, id }: ProviderSetting): Door {
  return kind === "github" ? "github" : id === "google" ? "google" : "oidc";
}

/** Starts a login at a provider, for this browser only. */
export async function startAttempt(c: AppContext, provider: ProviderSetting, next: string): Promise<LoginAttempt> {
  const { timings } = c.get("config");
  const state = randomBytes(32).toString("base64url");
  // Another tab may be away at a provider too.
  const browser = getCookie(c, COOKIE) ?? randomBytes(32).toString("base64url");
  await insertOAuthState(database(c), {
    stateHash: secretHash(state),
    provider: provider.id,
    browserHash: secretHash(browser),
    next,
    expiresAt: Date.now() + timings.oauth_state_s * 1000,
  });
  const maxAge = Math.floor(timings.oauth_state_s);
  setCookie(c, COOKIE, browser, { path: "/", secure: true, httpOnly: true, sameSite: "Lax", maxAge });
  return attemptOf(c, provider, state);
}

export interface Returned {
  readonly attempt: LoginAttempt;
  readonly provider: ProviderSetting;
  readonly next: string;
}

/**
 * Takes up the login that a state names, once. A browser has to be the one that set out: somebody else's login must not
 * become this person's. A program, which keeps no cookies, only has to know the state.
 */
export async function takeAttempt(
  c: AppContext,
  door: Door,
  state: string,
  caller: "browser" | "program",
): Promise<Returned> {
  const { loginProviders } = c.get("config");
  const row = await takeOAuthState(database(c), secretHash(state));
  const provider = row && loginProviders.find(({ id }) => id === row.provider);
  if (row === undefined || provider === undefined || row.expiresAt <= Date.now() || doorOf(provider) !== door) {
    throw invalidState();
  }
  const browser = getCookie(c, COOKIE);
  const isSame = browser === undefined ? caller === "program" : secretHash(browser) === row.browserHash;
  if (!isSame) throw invalidState();
  return { attempt: attemptOf(c, provider, state), provider, next: row.next };
}

/** Nonce and verifier derive from the state, so that the database keeps neither. */
function attemptOf(c: AppContext, provider: ProviderSetting, state: string): LoginAttempt {
  const { secret } = c.get("config");
  const derive = (purpose: "login-nonce" | "login-verifier") =>
    Buffer.from(macFor(secret, purpose, new TextEncoder().encode(state))).toString("base64url");
  const redirectUri = new URL(c.req.url).origin + browserCallbacks[doorOf(provider)][0];
  return { state, nonce: derive("login-nonce"), codeVerifier: derive("login-verifier"), redirectUri };
}

function invalidState(): ZtnaError {
  return new ZtnaError("INVALID_STATE", "Invalid or expired state parameter");
}
