import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import type { CookieOptions } from "hono/utils/cookie";
import { ZtnaError } from "#protocol/errors.ts";
import type { AppContext } from "../context.ts";

// Browsers demand Secure and Path=/ for the prefix `__Host-`, and take localhost for secure.
const NAME = "__Host-refresh_token";
const OPTIONS: CookieOptions = { path: "/", secure: true, httpOnly: true, sameSite: "Strict" };

export function setRefreshCookie(c: AppContext, token: string): void {
  setCookie(c, NAME, token, { ...OPTIONS, maxAge: Math.floor(c.get("config").timings.refresh_token_s) });
}

export function clearRefreshCookie(c: AppContext): void {
  deleteCookie(c, NAME, OPTIONS);
}

export interface PresentedToken {
  readonly token: string;
  readonly isCookie: boolean;
}

/** The refresh token of the body, or of the cookie when the request comes from our own pages. */
export function readRefreshToken(c: AppContext, fromBody: string | undefined): PresentedToken | undefined {
  if (fromBody !== undefined && fromBody !== "") return { token: fromBody, isCookie: false };
  const token = getCookie(c, NAME);
  if (token === undefined) return undefined;
  refuseCrossSite(c);
  return { token, isCookie: true };
}

/** Refuses what another site's page has sent. */
export function refuseCrossSite(c: AppContext): void {
  const origin = c.req.header("origin");
  if (origin === undefined || origin === new URL(c.req.url).origin) return;
  throw new ZtnaError("FORBIDDEN", "Cross-site request refused");
}
