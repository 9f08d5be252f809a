import { Buffer } from "node:buffer";
import { createHash, randomBytes } from "node:crypto";
import { completeCliLogin } from "#protocol/api/cli-login.ts";
import { call } from "#protocol/api/call.ts";
import { type AgentConfig, requireApiUrl } from "./config.ts";
import { keepLogin } from "./login.ts";
import { preparePrivateDirectory } from "./private-file.ts";

export interface BrowserLogin {
  /** Who vouches for the person: `github`, `google` or a provider of the control plane; the person's choice when undefined. */
  readonly provider: string | undefined;
  readonly timeoutMs: number;
}

const ANSWER_MS = 20_000;

/**
 * Logs in through the browser: the page that `onUrl` names sends a code to a port of this computer, and the code is worth
 * something only together with a verifier that never leaves this process (RFC 8252 and RFC 7636).
 */
export async function loginInBrowser(
  config: AgentConfig,
  { provider, timeoutMs }: BrowserLogin,
  onUrl: (url: string) => void,
): Promise<void> {
  const apiUrl = requireApiUrl(config);
  preparePrivateDirectory(config.paths.directory);
  const verifier = randomBytes(32).toString("base64url");
  const state = randomBytes(16).toString("base64url");
  const signal = AbortSignal.timeout(timeoutMs);
  const callback = listenForCode(state, async (code) => {
    const answer = { signal: AbortSignal.timeout(ANSWER_MS) };
    keepLogin(config, await call(fetch, apiUrl, completeCliLogin, { code, code_verifier: verifier }, answer));
  });
  onUrl(pageUrl(apiUrl, { redirectUri: callback.url, verifier, state, provider }));
  try {
    await Promise.race([callback.done, whenAborted(signal)]);
  } catch (cause) {
    if (signal.aborted) throw new Error("authentication timed out", { cause });
    throw new Error(loginProblem(provider, cause), { cause });
  } finally {
    await callback.close();
  }
}

function pageUrl(
  apiUrl: string,
  login: { redirectUri: string; verifier: string; state: string; provider: string | undefined },
): string {
  const query = new URLSearchParams({
    redirect_uri: login.redirectUri,
    code_challenge: Buffer.from(createHash("sha256").update(login.verifier).digest()).toString("base64url"),
    state: login.state,
    host: Deno.hostname(),
    ...(login.provider !== undefined && { provider: login.provider }),
  });
  return `${apiUrl}/cli-login?${query}`;
}

interface Callback {
  readonly url: string;
  /** Settles once the browser has come back and its code has been traded. */
  readonly done: Promise<void>;
  close(): Promise<void>;
}

/** Waits on a free port for the browser. Whoever does not know `state` is no answer, and no end either. */
function listenForCode(state: string, trade: (code: string) => Promise<void>): Callback {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  promise.catch(() => undefined);
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async ({ method, url }) => {
    const { pathname, searchParams } = new URL(url);
    if (method !== "GET" || pathname !== "/callback" || searchParams.get("state") !== state) return page(404, UNKNOWN);
    const code = searchParams.get("code");
    if (code === null) {
      reject(new Error(searchParams.get("error") ?? "no code"));
      return page(200, REFUSED);
    }
    try {
      await trade(code);
      resolve();
      return page(200, DONE);
    } catch (error) {
      reject(error);
      return page(400, FAILED);
    }
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}/callback`,
    done: promise,
    close: () => server.shutdown(),
  };
}

const DONE = "You are logged in. You can close this window and go back to the terminal.";
const REFUSED = "The login was cancelled. You can close this window.";
const FAILED = "The login did not work. The terminal says why.";
const UNKNOWN = "Nothing here. Start again with 'ztna login'.";

function page(status: number, text: string): Response {
  return new Response(`<!doctype html><meta charset="utf-8"><title>ztna login</title><p>${text}</p>\n`, {
    status,
    headers: {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
      "referrer-policy": "no-referrer",
      "cache-control": "no-store",
      // A connection kept open would keep the program waiting.
      connection: "close",
    },
  });
}

function whenAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    else signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

function loginProblem(provider: string | undefined, cause: unknown): string {
  if (provider !== undefined) return `${provider} callback failed`;
  const why = cause instanceof Error ? cause.message : String(cause);
  return `login failed: ${why === "access_denied" ? "refused in the browser" : why}`;
}
