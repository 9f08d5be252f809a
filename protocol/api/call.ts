import * as v from "valibot";
import { type ErrorDetails, isErrorCode, ZtnaError } from "../errors.ts";
import type { Endpoint, InputOf, ResponseOf } from "./endpoint.ts";

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

export interface CallOptions {
  /** Access token for `Authorization: Bearer`. */
  readonly token?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Calls one endpoint and returns its parsed `data`. Refusals, and answers that are not ours, are thrown as ZtnaError;
 * a server that cannot be reached as `UNAVAILABLE`.
 */
export async function call<E extends Endpoint>(
  fetch: Fetch,
  base: string,
  endpoint: E,
  input: InputOf<E>,
  options: CallOptions = {},
): Promise<ResponseOf<E>> {
  const response = await send(fetch, base, endpoint, input as Record<string, unknown>, options);
  const envelope = await readEnvelope(response);
  if (envelope.success === true) {
    const parsed = v.safeParse(endpoint.response, envelope.data);
    if (parsed.success) return parsed.output as ResponseOf<E>;
    const path = v.getDotPath(parsed.issues[0]) ?? "data";
    throw new ZtnaError("INTERNAL_ERROR", `The server's answer to ${endpoint.path} is not of our protocol (${path})`);
  }
  throw refusal(response, envelope.error);
}

async function send(
  fetch: Fetch,
  base: string,
  endpoint: Endpoint,
  input: Record<string, unknown>,
  { token, signal }: CallOptions,
): Promise<Response> {
  const headers: Record<string, string> = { accept: "application/json" };
  if (token !== undefined) headers["authorization"] = `Bearer ${token}`;
  let url = base.replace(/\/+$/, "") + endpoint.path;
  const init: RequestInit = { method: endpoint.method, headers, redirect: "manual" };
  if (signal !== undefined) init.signal = signal;
  if (endpoint.method === "GET") {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(input)) if (value !== undefined) query.set(name, String(value));
    if (query.size > 0) url += `?${query}`;
  } else {
    headers["content-type"] = "application/json";
    init.body = JSON.stringify(endpoint.action === undefined ? input : { ...input, action: endpoint.action });
  }
  try {
    return await fetch(url, init);
  } catch (cause) {
    if (signal?.aborted === true) throw cause;
    throw new ZtnaError("UNAVAILABLE", `Cannot reach ${new URL(url).origin}`, { cause });
  }
}

async function readEnvelope(response: Response): Promise<Record<string, unknown>> {
  try {
    const body: unknown = await response.json();
    if (typeof body === "object" && body !== null && "success" in body) return body as Record<string, unknown>;
  } catch (cause) {
    throw notOurs(response, cause);
  }
  throw notOurs(response, undefined);
}

function notOurs(response: Response, cause: unknown): ZtnaError {
  const code = response.status === 429 ? "RATE_LIMITED" : response.status >= 500 ? "UNAVAILABLE" : "INTERNAL_ERROR";
  const text = `The server answered HTTP ${response.status} without our envelope. Is the API URL right?`;
  return new ZtnaError(code, text, { details: retryAfter(response), cause });
}

function refusal(response: Response, error: unknown): ZtnaError {
  const { code, message, ...details } = (typeof error === "object" && error !== null ? error : {}) as Record<
    string,
    unknown
  >;
  if (typeof code !== "string" || !isErrorCode(code)) return notOurs(response, error);
  return new ZtnaError(code, typeof message === "string" ? message : undefined, {
    details: { ...(details as ErrorDetails), ...retryAfter(response) },
  });
}

function retryAfter(response: Response): ErrorDetails {
  const seconds = Number(response.headers.get("retry-after") ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? { retry_after_s: seconds } : {};
}
