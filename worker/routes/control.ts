import type { Hono } from "hono";
import { routingTagOf, secretHash } from "#domain/secrets/routed-secret.ts";
import { CONTROL_PATH, NODE_KEY_HASH_HEADER, PUBLIC_HOST_HEADER } from "#protocol/control/messages.ts";
import { ZtnaError } from "#protocol/errors.ts";
import { bearerToken } from "../auth/bearer.ts";
import type { AppEnv } from "../context.ts";

/** Control streams: the node key's MAC is checked before any object is touched. */
export function controlRoutes(app: Hono<AppEnv>): void {
  app.get(CONTROL_PATH, async (c) => {
    if (c.req.header("upgrade")?.toLowerCase() !== "websocket") throw new ZtnaError("UPGRADE_REQUIRED");
    const nodeKey = bearerToken(c) ?? "";
    const tag = routingTagOf(c.get("config").secret, "node-key", nodeKey);
    if (tag === undefined) throw new ZtnaError("INVALID_NODE_KEY");
    const headers = {
      upgrade: "websocket",
      [NODE_KEY_HASH_HEADER]: secretHash(nodeKey),
      [PUBLIC_HOST_HEADER]: new URL(c.req.url).hostname,
    };
    return await c.env.ORG.getByName(tag).fetch(`https://org${CONTROL_PATH}`, { headers });
  });
}
