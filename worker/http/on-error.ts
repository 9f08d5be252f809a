import type { ContentfulStatusCode } from "hono/utils/http-status";
import { ZtnaError } from "#protocol/errors.ts";
import type { AppContext } from "../context.ts";

/**
 * The one place where an error becomes an answer. What is not ours is logged whole and shown as a request id, and a failure of
 * ours with it. A refusal that will stand, as that something is not configured here, is none.
 */
export function onError(error: Error, c: AppContext): Response {
  const known = error instanceof ZtnaError ? error : undefined;
  if (known === undefined || (known.status >= 500 && known.retry)) {
    const requestId = c.get("requestId");
    console.error(JSON.stringify({ event: "request.failed", requestId, path: c.req.path, error: describe(error) }));
  }
  const { code, message, details, status } = known ?? new ZtnaError("INTERNAL_ERROR");
  if (typeof details["retry_after_s"] === "number") {
    c.header("retry-after", String(Math.max(1, Math.ceil(details["retry_after_s"]))));
  }
  return c.json({ success: false, data: null, error: { code, message, ...details } }, status as ContentfulStatusCode);
}

function describe(error: Error): string {
  const cause = error.cause instanceof Error ? ` <- ${describe(error.cause)}` : "";
  return `${error.stack ?? error.message}${cause}`;
}
