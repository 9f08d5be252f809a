import type { Hono } from "hono";
import { verifyRelayTicket } from "#domain/relay/ticket.ts";
import { ZtnaError } from "#protocol/errors.ts";
import { ADMITTED_KEY_HEADER, RELAY_PATH } from "#protocol/relay/frames.ts";
import { bearerToken } from "../auth/bearer.ts";
import type { AppEnv } from "../context.ts";

/** Relay sockets: the ticket is checked before any object is touched. */
export function relayRoutes(app: Hono<AppEnv>): void {
  app.get(RELAY_PATH, async (c) => {
    const { secret, regions } = c.get("config");
    if (c.req.header("upgrade")?.toLowerCase() !== "websocket") throw new ZtnaError("UPGRADE_REQUIRED");
    const ticket = bearerToken(c);
    const claims = ticket && verifyRelayTicket(secret, ticket, Date.now());
    if (!claims) throw new ZtnaError("INVALID_TICKET");
    const region = regions.find(({ region_code }) => region_code === c.req.param("region"));
    if (region === undefined) throw new ZtnaError("NOT_FOUND", "Unknown relay region");
    // The shard is part of the name, so that a large org can be spread over several objects later.
    const name = `${claims.tag}:${region.region_code}:0`;
    const relay = c.env.RELAY.getByName(name, { locationHint: region.locationHint });
    const headers = { upgrade: "websocket", [ADMITTED_KEY_HEADER]: claims.key };
    return await relay.fetch("https://relay/", { headers });
  });
}
