import { orgSettingsSchema } from "#protocol/api/orgs.ts";
import { unwrap } from "../http/unwrap.ts";
import { orgObject, type Table } from "./table.ts";

const instead = "Use update_org_settings of POST /api/org-management";

/** The truth is the org object's: one row, there from the beginning. */
export const orgSettings: Table = {
  columns: Object.keys(orgSettingsSchema.entries),
  readers: "member",
  single: true,
  read: async (scope) => [unwrap(await orgObject(scope).readSettings())],
  insert: "Every org has its settings already: change them",
  update: instead,
  remove: "An org always has settings: change them",
};
