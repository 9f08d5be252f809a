import * as v from "valibot";
import { checkSettings } from "#domain/org/settings.ts";
import { matchesAll } from "#domain/tables/filters.ts";
import { updateOrgSettings } from "#protocol/api/org-settings.ts";
import { orgSettingsSchema } from "#protocol/api/orgs.ts";
import { unwrap } from "../http/unwrap.ts";
import { adminOf, orgObject, type Scope, type Table, updateOf } from "./table.ts";

const { org_id: _, ...writable } = updateOrgSettings.request.entries;

const readSettings = async (scope: Scope) => unwrap(await orgObject(scope).readSettings());

/** The truth is the org object's: one row, there from the beginning. */
export const orgSettings: Table = {
  columns: Object.keys(orgSettingsSchema.entries),
  readers: "member",
  single: true,
  read: async (scope) => [await readSettings(scope)],
  insert: "Every org has its settings already: change them",
  update: updateOf(v.object(writable), async (scope, filters, asked) => {
    const settings = checkSettings(asked);
    if (!matchesAll({ ...await readSettings(scope) }, filters)) return 0;
    unwrap(await orgObject(scope).updateSettings(settings, adminOf(scope).userId));
    return 1;
  }),
  remove: "An org always has settings: change them",
};
