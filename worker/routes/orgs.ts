import type { Hono } from "hono";
import { orgSlug } from "#domain/org/slug.ts";
import { createOrg, userOrgs } from "#protocol/api/orgs.ts";
import { type OrgId, orgRoutingTag } from "#protocol/ids.ts";
import type { AppContext, AppEnv } from "../context.ts";
import { database } from "../db/database.ts";
import { findOrganizationsOf, insertOrganization, isSlugTaken } from "../db/organizations.ts";
import { actions, mount } from "../http/mount.ts";
import { unwrap } from "../http/unwrap.ts";

export function orgRoutes(app: Hono<AppEnv>): void {
  mount(app, userOrgs, (_, c) => findOrganizationsOf(database(c), c.get("user").id));
}

export const orgActions = actions([
  [createOrg, async ({ name }, c) => {
    const base = orgSlug(name) || "org";
    let slug = await isSlugTaken(database(c), base) ? randomized(base) : base;
    for (;;) {
      const created = await foundOrg(c, name, slug);
      if (created !== undefined) return created;
      slug = randomized(base);
    }
  }],
]);

/**
 * Founds an org unless its slug is taken. The object comes first: the directory never names an org whose truth does not
 * exist. An object that a failure leaves without an entry cannot be reached by anybody, so asking again simply starts over.
 */
async function foundOrg(c: AppContext, name: string, slug: string) {
  const id = crypto.randomUUID() as OrgId;
  unwrap(await c.env.ORG.getByName(orgRoutingTag(id)).initialize({ id, name, slug }));
  const createdAt = Date.now();
  if (!(await insertOrganization(database(c), { id, name, slug, createdAt }, c.get("user").id))) return undefined;
  return { id, name, slug, domain: null, created_at: new Date(createdAt).toISOString(), role: "owner" as const };
}

function randomized(slug: string): string {
  return `${slug}-${crypto.randomUUID().slice(0, 6)}`;
}
