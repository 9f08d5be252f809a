import type { Hono } from "hono";
import { orgSlug } from "#domain/org/slug.ts";
import { createOrg, updateOrg, userOrgs } from "#protocol/api/orgs.ts";
import { ZtnaError } from "#protocol/errors.ts";
import { type OrgId, orgRoutingTag } from "#protocol/ids.ts";
import { requireRole } from "../auth/require-role.ts";
import type { AppContext, AppEnv } from "../context.ts";
import { newAuditLog } from "../db/audit-logs.ts";
import { database } from "../db/database.ts";
import { findOrganizationsOf, insertOrganization, isSlugTaken, updateOrganization } from "../db/organizations.ts";
import { announce } from "../http/announce.ts";
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

  [updateOrg, async ({ org_id, ...changes }, c) => {
    await requireRole(c, org_id, "admin");
    if (Object.keys(changes).length === 0) throw new ZtnaError("MISSING_FIELDS", "name or domain required");
    const log = newAuditLog({
      orgId: org_id,
      action: "organization.updated",
      resourceType: "organization",
      resourceId: org_id,
      userId: c.get("user").id,
      details: changes,
      now: Date.now(),
    });
    const org = await updateOrganization(database(c), org_id, changes, log);
    if (org === undefined) throw new ZtnaError("NOT_FOUND");
    unwrap(await c.env.ORG.getByName(orgRoutingTag(org_id)).rename(org.name));
    await announce(c, org_id, "audit", "INSERT", log);
    await announce(c, org_id, "general", "UPDATE", org);
    return org;
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
