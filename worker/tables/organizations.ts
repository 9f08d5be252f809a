import { organizationSchema } from "#protocol/api/orgs.ts";
import { database } from "../db/database.ts";
import { findOrganization } from "../db/organizations.ts";
import type { Table } from "./table.ts";

/** The truth is D1's; what the org's agents must know of it is also in the org object. */
export const organizations: Table = {
  columns: Object.keys(organizationSchema.entries),
  readers: "member",
  single: true,
  orgColumn: "id",
  read: async ({ c, orgId }) => [await findOrganization(database(c), orgId)].filter((row) => row !== undefined),
  insert: "Use create of POST /api/org-management",
  update: "Use update_org of POST /api/org-management",
  remove: "An org cannot be deleted here",
};
