import * as v from "valibot";
import { authKeySchema } from "./auth-keys.ts";
import { endpoint } from "./endpoint.ts";
import { machineSchema } from "./machines.ts";
import { organizationSchema, orgMemberSchema, orgSettingsSchema } from "./orgs.ts";

/** The generic table API. */
export const TABLES_PATH = "/api/db";

/**
 * Reads of the table API: `/api/db/<table>?org_id=…&<column>=eq.<value>&select=a,b&order=<column>[.desc]&ascending=false&limit=N`,
 * or a page by `range_from` and `range_to` (exclusive). Further columns in the query are filters; the schema lets them through as they are.
 */
const tableQuery = v.looseObject({ org_id: v.string("org_id must be a string") });

function tableRead<Row extends v.GenericSchema<unknown, unknown>>(table: string, row: Row) {
  return endpoint({
    method: "GET",
    path: `${TABLES_PATH}/${table}`,
    caller: "user",
    request: tableQuery,
    response: v.array(row),
    refusals: ["UNAUTHORIZED", "FORBIDDEN", "MISSING_FIELDS", "INVALID_INPUT", "NOT_FOUND"],
  });
}

export const listMachines = tableRead("machines", machineSchema);
export const listAuthKeys = tableRead("auth_keys", authKeySchema);
export const listOrganizations = tableRead("organizations", organizationSchema);
export const listOrgMembers = tableRead("org_members", orgMemberSchema);
export const listOrgSettings = tableRead("org_settings", orgSettingsSchema);
