import { Hono } from "hono";
import { afterEach, describe, expect, it, vi } from "vitest";
import { ZtnaError } from "#protocol/errors.ts";
import type { AppEnv } from "../../../worker/context.ts";
import { onError } from "../../../worker/http/on-error.ts";

/** The answer to a request that fails like this, and what was logged of it. */
async function fail(error: Error): Promise<{ status: number; body: unknown; logged: string[] }> {
  const log = vi.spyOn(console, "error").mockImplementation(() => {});
  const app = new Hono<AppEnv>().onError(onError).get("/", () => {
    throw error;
  });
  const response = await app.request("/");
  return { status: response.status, body: await response.json(), logged: log.mock.calls.map(([line]) => String(line)) };
}

afterEach(() => void vi.restoreAllMocks());

describe("an error on the way to its answer", () => {
  it("is logged whole when it is none of ours, and answered as INTERNAL_ERROR without a word of it", async () => {
    const { status, body, logged } = await fail(new Error("secret detail"));
    expect(status).toBe(500);
    expect(JSON.stringify(body)).not.toContain("secret detail");
    expect(logged).toEqual([expect.stringContaining("secret detail")]);
  });

  it("is logged with its cause when something we rely on failed", async () => {
    const { logged } = await fail(new ZtnaError("UNAVAILABLE", undefined, { cause: new Error("HTTP 502") }));
    expect(logged).toEqual([expect.stringContaining("HTTP 502")]);
  });

  it("is not logged when it is a refusal, NOT_CONFIGURED (503) among them", async () => {
    expect(await fail(new ZtnaError("NOT_CONFIGURED"))).toMatchObject({ status: 503, logged: [] });
    expect(await fail(new ZtnaError("FORBIDDEN"))).toMatchObject({ status: 403, logged: [] });
  });
});
