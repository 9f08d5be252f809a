import type { Next } from "hono";
import { readConfig } from "../config.ts";
import type { AppContext } from "../context.ts";

/**
 * Gives every request its id and the deploy's configuration. Headers are set before the answer exists: that costs no copy of
 * it, and leaves the runtime's own answers (WebSocket upgrades) as they are.
 */
export async function identifyRequest(c: AppContext, next: Next): Promise<void> {
  const requestId = crypto.randomUUID();
  c.set("requestId", requestId);
  c.set("config", readConfig(c.env));
  c.header("x-request-id", requestId);
  c.header("x-content-type-options", "nosniff");
  c.header("referrer-policy", "no-referrer");
  c.header("cache-control", "no-store");
  await next();
}
