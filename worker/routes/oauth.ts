import type { Hono } from "hono";
import type { Session } from "#protocol/api/auth.ts";
import {
  browserCallbacks,
  completeGitHub,
  completeGoogle,
  completeOidc,
  initiateGitHub,
  initiateGoogle,
  initiateOidc,
  listProviders,
} from "#protocol/api/oauth.ts";
import { type ErrorCode, ZtnaError } from "#protocol/errors.ts";
import { clientIp } from "../auth/client-ip.ts";
import { githubProvider } from "../auth/github.ts";
import type { IdentityProvider } from "../auth/identity-provider.ts";
import { type Door, doorOf, type Returned, startAttempt, takeAttempt } from "../auth/login-attempt.ts";
import type { ProviderSetting } from "../auth/login-providers.ts";
import { oidcProvider } from "../auth/oidc.ts";
import { openSession } from "../auth/open-session.ts";
import { recordLogin } from "../auth/record-login.ts";
import { refuseCrossSite } from "../auth/refresh-cookie.ts";
import { signInWith } from "../auth/sign-in-with.ts";
import type { AppContext, AppEnv } from "../context.ts";
import { database } from "../db/database.ts";
import { countHit } from "../db/rate-limits.ts";
import { mount, mountActions } from "../http/mount.ts";

interface Answer {
  readonly code: string;
  readonly state: string;
}

const HOME = "/machines";

export function oauthRoutes(app: Hono<AppEnv>): void {
  mount(app, listProviders, (_, c) => c.get("config").loginProviders.map(({ id, name }) => ({ id, name })));

  mountActions(app, [
    [initiateGitHub, ({ next }, c) => initiate(c, "github", "github", next)],
    [completeGitHub, (answer, c) => complete(c, "github", answer)],
  ]);
  mountActions(app, [
    [initiateGoogle, ({ next }, c) => initiate(c, "google", "google", next)],
    [completeGoogle, (answer, c) => complete(c, "google", answer)],
  ]);
  mountActions(app, [
    [initiateOidc, ({ provider, next }, c) => initiate(c, "oidc", provider, next)],
    [completeOidc, (answer, c) => complete(c, "oidc", answer)],
  ]);

  for (const door of ["github", "google", "oidc"] as const) {
    for (const path of browserCallbacks[door]) app.get(path, (c) => returnFromProvider(c, door));
  }
}

async function initiate(c: AppContext, door: Door, id: string, next = HOME): Promise<{ redirect_url: string }> {
  const provider = c.get("config").loginProviders.find((one) => one.id === id && doorOf(one) === door);
  if (provider === undefined) throw new ZtnaError("NOT_CONFIGURED");
  await count(c);
  const url = await identityProvider(provider).authorizationUrl(await startAttempt(c, provider, next));
  return { redirect_url: url.href };
}

async function complete(c: AppContext, door: Door, { code, state }: Answer): Promise<Session> {
  refuseCrossSite(c);
  await count(c);
  return await signIn(c, await takeAttempt(c, door, state, "program"), code);
}

/** The browser is back. It gets the session's cookie and goes on to our pages, which fetch their token with it. */
async function returnFromProvider(c: AppContext, door: Door): Promise<Response> {
  const { code, state = "" } = c.req.query();
  let next: string | undefined;
  try {
    await count(c);
    const returned = await takeAttempt(c, door, state, "browser");
    next = returned.next;
    if (code === undefined) throw new ZtnaError("LOGIN_CANCELLED");
    await signIn(c, returned, code);
    return c.redirect(pageUrl({ resume: "true", next }));
  } catch (error) {
    const isPerson = c.req.header("accept")?.includes("text/html") === true;
    if (!isPerson || !(error instanceof ZtnaError)) throw error;
    return c.redirect(pageUrl({ problem: error.code, next }));
  }
}

async function signIn(c: AppContext, { attempt, provider }: Returned, code: string): Promise<Session> {
  const identity = await identityProvider(provider).identify(attempt, code);
  const user = await signInWith(database(c), identity, Date.now());
  await recordLogin(c, "auth.login", user.id, provider.id);
  return await openSession(c, user);
}

function identityProvider(setting: ProviderSetting): IdentityProvider {
  return setting.kind === "github" ? githubProvider(setting) : oidcProvider(setting);
}

async function count(c: AppContext): Promise<void> {
  const { limits, timings } = c.get("config");
  const most = { limit: limits.oauth_per_ip, windowS: timings.login_window_s };
  await countHit(database(c), { scope: "oauth_ip", subject: clientIp(c), ...most }, Date.now());
}

function pageUrl(search: { resume?: "true"; problem?: ErrorCode; next: string | undefined }): string {
  const given = Object.entries(search).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return `/auth?${new URLSearchParams(given)}`;
}
