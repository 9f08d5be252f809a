import { login, logout, refresh, type Session as Grant, signup } from "#protocol/api/auth.ts";
import { call } from "#protocol/api/call.ts";
import type { Endpoint, InputOf, ResponseOf } from "#protocol/api/endpoint.ts";
import { ZtnaError } from "#protocol/errors.ts";
import { readStored, writeStored } from "./storage.ts";

/** Other tools of the product find the access token under this name. */
const TOKEN = "access_token";
const RENEW_BEFORE_MS = 60_000;

export interface Access {
  readonly token: string;
  readonly userId: string;
  readonly email: string;
  /** When to fetch the next token, in milliseconds since 1970 by this computer's clock. */
  readonly renewAt: number;
}

/**
 * Who is signed in here. The refresh token is an HttpOnly cookie this code never sees; every tab shares one access
 * token, and a sign-out or refusal in one tab signs out all.
 */
export class Session {
  #access: Access | undefined = readAccess(readStored(TOKEN));
  #departure: "left" | "ended" | undefined;
  #renewal: Promise<Access> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #listeners = new Set<() => void>();

  constructor() {
    addEventListener("storage", (event) => {
      if (event.key === TOKEN || event.key === null) this.#adopt(readAccess(readStored(TOKEN)));
    });
    this.#schedule();
  }

  get access(): Access | undefined {
    return this.#access;
  }

  /** How the last session went: the person left, or the server refused to renew it. */
  get departure(): "left" | "ended" | undefined {
    return this.#departure;
  }

  readonly subscribe = (listener: () => void): () => void => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  async signIn(input: InputOf<typeof login>): Promise<void> {
    this.#accept(await send(login, input));
  }

  async signUp(input: InputOf<typeof signup>): Promise<void> {
    this.#accept(await send(signup, input));
  }

  /** Takes up the session of the cookie: somebody has come back from a sign-in provider. */
  async resume(): Promise<void> {
    await oneTabAtATime(async () => this.#accept(await send(refresh, {})));
  }

  /** Forgets the session here even when the server cannot be reached. */
  async signOut(): Promise<void> {
    const told = send(logout, {}).catch(() => undefined);
    this.#forget("left");
    await told;
  }

  /** Calls an endpoint as the person signed in; a token that has run out is renewed once. */
  async request<E extends Endpoint>(
    endpoint: E,
    input: InputOf<E>,
    signal?: AbortSignal,
  ): Promise<ResponseOf<E>> {
    const token = await this.freshToken();
    try {
      return await send(endpoint, input, token, signal);
    } catch (error) {
      if (!(error instanceof ZtnaError) || error.code !== "UNAUTHORIZED") throw error;
      return await send(endpoint, input, (await this.#renew(token)).token, signal);
    }
  }

  /** An access token that will live for a while, or a refusal with `UNAUTHORIZED`. */
  async freshToken(): Promise<string> {
    const access = this.#access;
    if (access === undefined) throw new ZtnaError("UNAUTHORIZED");
    return Date.now() < access.renewAt ? access.token : (await this.#renew(access.token)).token;
  }

  #renew(stale: string): Promise<Access> {
    this.#renewal ??= oneTabAtATime(() => this.#exchange(stale)).finally(() => this.#renewal = undefined);
    return this.#renewal;
  }

  async #exchange(stale: string): Promise<Access> {
    const newer = readAccess(readStored(TOKEN));
    if (newer !== undefined && newer.token !== stale && Date.now() < newer.renewAt) {
      this.#adopt(newer);
      return newer;
    }
    try {
      return this.#accept(await send(refresh, {}));
    } catch (error) {
      if (!(error instanceof ZtnaError) || error.retry) throw error;
      this.#forget("ended");
      throw new ZtnaError("UNAUTHORIZED", "Your session has ended. Sign in again.", { cause: error });
    }
  }

  #accept(grant: Grant): Access {
    const lifeMs = grant.expires_in * 1000;
    const renewAt = Date.now() + lifeMs - Math.min(RENEW_BEFORE_MS, lifeMs / 5);
    const access = { token: grant.access_token, userId: grant.user.id, email: grant.user.email, renewAt };
    this.#departure = undefined;
    writeStored(TOKEN, access.token);
    this.#adopt(access);
    return access;
  }

  #forget(departure: "left" | "ended"): void {
    this.#departure = departure;
    writeStored(TOKEN, undefined);
    this.#adopt(undefined);
  }

  #adopt(access: Access | undefined): void {
    if (access?.token === this.#access?.token) return;
    this.#access = access;
    this.#schedule();
    for (const listener of this.#listeners) listener();
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    const access = this.#access;
    if (access === undefined) return;
    const wait = Math.max(1000, access.renewAt - Date.now());
    this.#timer = setTimeout(() => void this.#renew(access.token).catch(() => undefined), Math.min(wait, 2 ** 31 - 1));
  }
}

export const session = new Session();

function send<E extends Endpoint>(
  endpoint: E,
  input: InputOf<E>,
  token?: string,
  signal?: AbortSignal,
): Promise<ResponseOf<E>> {
  const options = { ...(token !== undefined && { token }), ...(signal !== undefined && { signal }) };
  return call((url, init) => fetch(url, init), location.origin, endpoint, input, options);
}

/** The refresh token can be used once: two tabs that spend it together would look like a thief. */
function oneTabAtATime<T>(work: () => Promise<T>): Promise<T> {
  return navigator.locks === undefined ? work() : navigator.locks.request("ztna-session", work) as Promise<T>;
}

function readAccess(token: string | undefined): Access | undefined {
  try {
    const claims: unknown = JSON.parse(decodeBase64Url(token?.split(".")[1] ?? ""));
    if (token === undefined || typeof claims !== "object" || claims === null) return undefined;
    const { sub, email, exp } = claims as Record<string, unknown>;
    if (typeof sub !== "string" || typeof email !== "string" || typeof exp !== "number") return undefined;
    return { token, userId: sub, email, renewAt: exp * 1000 - RENEW_BEFORE_MS };
  } catch {
    return undefined;
  }
}

function decodeBase64Url(text: string): string {
  const bytes = Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (byte) => byte.charCodeAt(0));
  return new TextDecoder().decode(bytes);
}
