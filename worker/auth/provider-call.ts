import { ArcticFetchError, OAuth2RequestError } from "arctic";
import { ZtnaError } from "#protocol/errors.ts";

const ANSWER_MS = 10_000;

/** A JSON object from a provider's server. */
export async function readProviderJson(url: string, token?: string): Promise<Record<string, unknown>> {
  const value = await readProvider(url, token);
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new ZtnaError("UNAVAILABLE", PROVIDER_FAILED);
}

export async function readProvider(url: string, token?: string): Promise<unknown> {
  const headers: Record<string, string> = { accept: "application/json", "user-agent": "quickztna" };
  if (token !== undefined) headers["authorization"] = `Bearer ${token}`;
  try {
    const response = await fetch(url, { headers, signal: AbortSignal.timeout(ANSWER_MS) });
    if (response.ok) return await response.json();
    throw new Error(`${new URL(url).pathname} answered HTTP ${response.status}`);
  } catch (cause) {
    throw new ZtnaError("UNAVAILABLE", PROVIDER_FAILED, { cause });
  }
}

/** Trades a code with `exchange`; what the provider refuses is `INVALID_CODE`, what it cannot answer `UNAVAILABLE`. */
export async function exchangeCode<T>(exchange: () => Promise<T>): Promise<T> {
  try {
    return await exchange();
  } catch (cause) {
    if (cause instanceof ArcticFetchError) throw new ZtnaError("UNAVAILABLE", PROVIDER_FAILED, { cause });
    if (cause instanceof OAuth2RequestError) throw new ZtnaError("INVALID_CODE", undefined, { cause });
    throw new ZtnaError("UNAVAILABLE", PROVIDER_FAILED, { cause });
  }
}

export const PROVIDER_FAILED = "The sign-in provider does not answer as it should. Try again.";
