import type { Hono } from "hono";
import { enforceKeyExpiry } from "#protocol/api/enforce-key-expiry.ts";
import { ZtnaError } from "#protocol/errors.ts";
import { orgRoutingTag } from "#protocol/ids.ts";
import { isAdmin } from "../auth/require-role.ts";
import { database } from "../db/database.ts";
import { findOrganizationsOf } from "../db/organizations.ts";
import type { AppEnv } from "../context.ts";
import { mount } from "../http/mount.ts";
import { unwrap } from "../http/unwrap.ts";

export function enforceKeyExpiryRoutes(app: Hono<AppEnv>): void {
  mount(app, enforceKeyExpiry, async (_, c) => {
    const orgs = (await findOrganizationsOf(database(c), c.get("user").id)).filter(({ role }) => isAdmin(role));
    if (orgs.length === 0) throw new ZtnaError("FORBIDDEN");
    const replies = await Promise.all(orgs.map(({ id }) => c.env.ORG.getByName(orgRoutingTag(id)).sweep()));
    const done = replies.map((reply) => unwrap(reply));
    return {
      expired_count: done.reduce((sum, { expiredCount }) => sum + expiredCount, 0),
      ephemeral_cleaned: done.reduce((sum, { ephemeralCleaned }) => sum + ephemeralCleaned, 0),
    };
  });
}
