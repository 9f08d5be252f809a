import type { Hono } from "hono";
import * as v from "valibot";
import { selectRows } from "#domain/tables/select.ts";
import { authKeySchema } from "#protocol/api/auth-keys.ts";
import { machineSchema } from "#protocol/api/machines.ts";
import { organizationSchema, orgMemberSchema, orgSettingsSchema } from "#protocol/api/orgs.ts";
import { ZtnaError } from "#protocol/errors.ts";
import { type OrgId, orgIdSchema, orgRoutingTag } from "#protocol/ids.ts";
import { requireRole } from "../auth/require-role.ts";
import { admit, identify } from "../auth/caller.ts";
import { database } from "../db/database.ts";
import { listMembers } from "../db/org-members.ts";
import { findOrganization } from "../db/organizations.ts";
import type { AppContext, AppEnv } from "../context.ts";
import { unwrap } from "../http/unwrap.ts";

interface Table {
  readonly columns: readonly string[];
  readonly readers: "member" | "admin";
  readonly read: (c: AppContext, orgId: OrgId) => Promise<readonly Record<string, unknown>[]>;
}

const org = (c: AppContext, orgId: OrgId) => c.env.ORG.getByName(orgRoutingTag(orgId));

/** Every table of the API: its columns, who may read it, and where its truth is. */
const tables: Record<string, Table> = {
  machines: {
    columns: Object.keys(machineSchema.entries),
    readers: "member",
    read: async (c, orgId) => unwrap(await org(c, orgId).listMachines()),
  },
  auth_keys: {
    columns: Object.keys(authKeySchema.entries),
    readers: "admin",
    read: async (c, orgId) => unwrap(await org(c, orgId).listAuthKeys()),
  },
  org_settings: {
    columns: Object.keys(orgSettingsSchema.entries),
    readers: "member",
    read: async (c, orgId) => [unwrap(await org(c, orgId).readSettings())],
  },
  organizations: {
    columns: Object.keys(organizationSchema.entries),
    readers: "member",
    read: async (c, orgId) => [await findOrganization(database(c), orgId)].filter((row) => row !== undefined),
  },
  org_members: {
    columns: Object.keys(orgMemberSchema.entries),
    readers: "member",
    read: (c, orgId) => listMembers(database(c), orgId),
  },
};

export function tableRoutes(app: Hono<AppEnv>): void {
  app.get("/api/db/:table", async (c) => {
    await identify(c);
    const name = c.req.param("table");
    admit(c, name === "machines" ? "user_or_machine" : "user");
    const table = Object.hasOwn(tables, name) ? tables[name] : undefined;
    if (table === undefined) throw new ZtnaError("NOT_FOUND", `Unknown table: ${name.slice(0, 100)}`);
    const { org_id, ...query } = c.req.query();
    const orgId = readOrgId(org_id);
    await requireRole(c, orgId, table.readers);
    const data = selectRows(await table.read(c, orgId), table.columns, query);
    return c.json({ success: true, data, error: null });
  });
}

function readOrgId(text: string | undefined): OrgId {
  if (text === undefined || text === "") throw new ZtnaError("MISSING_FIELDS", "org_id required");
  const parsed = v.safeParse(orgIdSchema, text.replace(/^eq\./, ""));
  if (!parsed.success) throw new ZtnaError("INVALID_INPUT", parsed.issues[0].message);
  return parsed.output;
}
