import type { Hono } from "hono";
import * as v from "valibot";
import type { Role } from "#protocol/api/orgs.ts";
import { ZtnaError } from "#protocol/errors.ts";
import { orgIdSchema, orgRoutingTag } from "#protocol/ids.ts";
import {
  CHANNELS_HEADER,
  REALTIME_PATH,
  REALTIME_TOKEN_PROTOCOL,
  type RealtimeChannel,
  realtimeChannels,
  USER_HEADER,
} from "#protocol/realtime.ts";
import { requireRole } from "../auth/require-role.ts";
import { requirePerson } from "../auth/session.ts";
import type { AppContext, AppEnv } from "../context.ts";

/** Live events for dashboards: membership is checked here, each org's object tells only its own. */
export function realtimeRoutes(app: Hono<AppEnv>): void {
  app.get(REALTIME_PATH, async (c) => {
    if (c.req.header("upgrade")?.toLowerCase() !== "websocket") throw new ZtnaError("UPGRADE_REQUIRED");
    const protocol = offeredProtocol(c);
    const token = protocol?.slice(REALTIME_TOKEN_PROTOCOL.length) ?? c.req.query("token");
    if (token === undefined) throw new ZtnaError("UNAUTHORIZED");
    c.set("user", await requirePerson(c, token));
    const orgId = v.safeParse(orgIdSchema, c.req.query("org_id"));
    if (!orgId.success) throw new ZtnaError("MISSING_FIELDS", "org_id required");
    const role = await requireRole(c, orgId.output, "member");
    const headers = {
      upgrade: "websocket",
      [CHANNELS_HEADER]: channelsOf(role).join(","),
      [USER_HEADER]: c.get("user").id,
    };
    const org = c.env.ORG.getByName(orgRoutingTag(orgId.output));
    const response = await org.fetch(`https://org${REALTIME_PATH}`, { headers });
    if (response.webSocket === null) throw new ZtnaError("RATE_LIMITED", "Too many live connections in this org");
    // A browser drops the connection unless the protocol it offered comes back.
    const answer: HeadersInit = protocol === undefined ? {} : { "sec-websocket-protocol": protocol };
    return new Response(null, { status: 101, webSocket: response.webSocket, headers: answer });
  });
}

function offeredProtocol(c: AppContext): string | undefined {
  const offered = (c.req.header("sec-websocket-protocol") ?? "").split(",").map((name) => name.trim());
  return offered.find((name) => name.startsWith(REALTIME_TOKEN_PROTOCOL));
}

/** Who may not read a table may not hear its events either. */
function channelsOf(role: Role): readonly RealtimeChannel[] {
  const hidden: Record<Role, readonly RealtimeChannel[]> = {
    owner: [],
    admin: [],
    auditor: ["keys"],
    member: ["keys"],
  };
  return realtimeChannels.filter((channel) => !hidden[role].includes(channel));
}
