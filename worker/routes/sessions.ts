import type { Hono } from "hono";
import { listSessions, revokeOtherSessions, revokeSession } from "#protocol/api/sessions.ts";
import { ZtnaError } from "#protocol/errors.ts";
import type { AppEnv } from "../context.ts";
import { database } from "../db/database.ts";
import * as sessions from "../db/refresh-tokens.ts";
import { disconnect } from "../http/disconnect.ts";
import { mount, mountActions } from "../http/mount.ts";

export function sessionRoutes(app: Hono<AppEnv>): void {
  mount(app, listSessions, async (_, c) => {
    const { id, sessionId } = c.get("user");
    const entries = await sessions.listSessions(database(c), id, Date.now());
    return entries.map((entry) => ({ ...entry, current: entry.id === sessionId }));
  });

  mountActions(app, [
    [revokeSession, async ({ session_id }, c) => {
      const isEnded = await sessions.deleteSession(database(c), c.get("user").id, session_id);
      if (!isEnded) throw new ZtnaError("NOT_FOUND", "Session not found");
      await disconnect(c);
      return { revoked: session_id };
    }],

    [revokeOtherSessions, async (_, c) => {
      const { id, sessionId } = c.get("user");
      const revoked = await sessions.deleteOtherSessions(database(c), id, sessionId);
      if (revoked > 0) await disconnect(c);
      return { revoked };
    }],
  ]);
}
