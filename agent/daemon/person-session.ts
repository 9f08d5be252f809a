import { refresh } from "#protocol/api/auth.ts";
import { call } from "#protocol/api/call.ts";
import type { Endpoint, InputOf, ResponseOf } from "#protocol/api/endpoint.ts";
import { ZtnaError } from "#protocol/errors.ts";
import { readTokens, type Tokens, writeTokens } from "./tokens-file.ts";

const ANSWER_MS = 20_000;

/** The session of the person who logged in here. */
export class PersonSession {
  readonly #path: string;
  #tokens: Tokens;

  private constructor(path: string, tokens: Tokens) {
    this.#path = path;
    this.#tokens = tokens;
  }

  /** Undefined when nobody is logged in at this control plane. */
  static read(path: string, apiUrl: string): PersonSession | undefined {
    const tokens = readTokens(path);
    return tokens?.api_url === apiUrl ? new PersonSession(path, tokens) : undefined;
  }

  token(): string {
    return this.#tokens.access_token;
  }

  /** Whom the control plane's token names. */
  get userId(): string {
    const claims = JSON.parse(atob(fromBase64Url(this.#tokens.access_token.split(".")[1] ?? ""))) as { sub?: unknown };
    if (typeof claims.sub === "string") return claims.sub;
    throw new Error(EXPIRED);
  }

  /** One call in this person's name; a token that has run out is renewed once. */
  async call<E extends Endpoint>(endpoint: E, input: InputOf<E>, signal: AbortSignal): Promise<ResponseOf<E>> {
    const { api_url } = this.#tokens;
    try {
      return await call(fetch, api_url, endpoint, input, { token: this.token(), signal });
    } catch (error) {
      if (!(error instanceof ZtnaError) || error.code !== "UNAUTHORIZED") throw error;
      return await call(fetch, api_url, endpoint, input, { token: await this.renew(), signal });
    }
  }

  /**
   * A fresh access token. A refresh token is good for one use, and a second use ends the whole session: commands that run
   * at the same time take turns, and who comes second finds the work done.
   */
  async renew(): Promise<string> {
    const lock = await Deno.open(`${this.#path}.lock`, { create: true, write: true, mode: 0o600 });
    try {
      await lock.lock(true);
      const stored = readTokens(this.#path);
      if (stored === undefined) throw new Error(EXPIRED);
      if (stored.access_token === this.#tokens.access_token) await this.#refresh(stored);
      else this.#tokens = stored;
      return this.#tokens.access_token;
    } finally {
      lock.close();
    }
  }

  async #refresh({ api_url, refresh_token }: Tokens): Promise<void> {
    const signal = AbortSignal.timeout(ANSWER_MS);
    const session = await call(fetch, api_url, refresh, { refresh_token }, { signal }).catch((error) => {
      const isOver = error instanceof ZtnaError && error.code === "INVALID_TOKEN";
      throw isOver ? new Error(EXPIRED, { cause: error }) : error;
    });
    this.#tokens = { access_token: session.access_token, refresh_token: session.refresh_token, api_url };
    writeTokens(this.#path, this.#tokens);
  }
}

function fromBase64Url(text: string): string {
  return text.replaceAll("-", "+").replaceAll("_", "/");
}

const EXPIRED = "your login has expired. Run 'ztna login' again";
