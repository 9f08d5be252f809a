import * as v from "valibot";
import { checkSettings } from "#domain/org/settings.ts";
import { matchesAll } from "#domain/tables/filters.ts";
import { updateOrgSettings } from "#protocol/api/org-settings.ts";
import { orgSettingsSchema } from "#protocol/api/orgs.ts";
import { unwrap } from "../http/unwrap.ts";
import { acceptColumns, adminOf, orgObject, type Scope, type Table, updateOf } from "./table.ts";

const { org_id: _, ...columns } = updateOrgSettings.request.entries;
const writable = v.object(columns);

const readSettings = async (scope: Scope) => unwrap(await orgObject(scope).readSettings());

const saveSettings = async (scope: Scope, asked: v.InferOutput<typeof writable>) =>
  unwrap(await orgObject(scope).updateSettings(checkSettings(asked), adminOf(scope).userId));

/** The truth is the org object's: one row, there from the beginning, so that an insert sets its columns. */
export const orgSettings: Table = {
  columns: Object.keys(orgSettingsSchema.entries),
  readers: "member",
  single: true,
  read: async (scope) => [await readSettings(scope)],
  insert: async (scope, row) => ({ ...await saveSettings(scope, acceptColumns(writable, row)) }),
  update: updateOf(writable, async (scope, filters, asked) => {
    if (!matchesAll({ ...await readSettings(scope) }, filters)) return 0;
    await saveSettings(scope, asked);
    return 1;
  }),
  remove: "An org always has settings: change them",
};
