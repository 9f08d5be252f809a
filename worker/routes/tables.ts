import type { Hono } from "hono";
import * as v from "valibot";
import { checkColumns, type Filter, filtersOfBody, filtersOfQuery, type Row } from "#domain/tables/filters.ts";
import { readSelection, selectRows } from "#domain/tables/select.ts";
import { TABLES_PATH } from "#protocol/api/tables.ts";
import { ZtnaError } from "#protocol/errors.ts";
import { type OrgId, orgIdSchema } from "#protocol/ids.ts";
import { admit, identify } from "../auth/caller.ts";
import { isAdmin, requireRole } from "../auth/require-role.ts";
import type { AppContext, AppEnv } from "../context.ts";
import { readJsonObject } from "../http/body.ts";
import { functions } from "../tables/functions.ts";
import { tables } from "../tables/registry.ts";
import type { Refused, Scope, Table } from "../tables/table.ts";

const PATH = `${TABLES_PATH}/:table`;

/** The generic table API, and the few functions beside it: what a table is and who may do what with it stands in worker/tables. */
export function tableRoutes(app: Hono<AppEnv>): void {
  app.post(`${TABLES_PATH}/_rpc`, async (c) => {
    await identify(c);
    admit(c, "user");
    const { fn, _org_id } = await readJsonObject(c);
    if (fn === undefined) throw new ZtnaError("MISSING_FIELDS", "fn required");
    const run = typeof fn === "string" && Object.hasOwn(functions, fn) ? functions[fn] : undefined;
    if (run === undefined) throw new ZtnaError("UNKNOWN_ACTION", `Unknown function: ${String(fn).slice(0, 100)}`);
    const orgId = readOrgId("_org_id", _org_id);
    const role = await requireRole(c, orgId, "member");
    return done(c, { data: await run({ c, orgId, role }) });
  });

  app.get(PATH, async (c) => {
    await identify(c);
    const table = findTable(c);
    admit(c, table.readers === "machine" ? "user_or_machine" : "user");
    const { org_id, ...query } = c.req.query();
    const orgId = readOrgId("org_id", org_id ?? (table.orgColumn && query[table.orgColumn]));
    const role = await requireRole(c, orgId, table.readers === "admin" ? "admin" : "member");
    const selection = readSelection(query, table.columns);
    return done(c, selectRows(await table.read({ c, orgId, role }, selection.filters), selection));
  });

  app.post(PATH, async (c) => {
    const { table, body, scope } = await enterToWrite(c, []);
    const row = await permitted(table.insert)(scope, body);
    // Both shapes that clients know: the columns flat, and once more one level below.
    return done(c, { ...row, data: row }, 201);
  });

  app.patch(PATH, async (c) => {
    const { table, body: { _filters: _, ...changed }, scope, filters } = await enterToWrite(c, []);
    const update = permitted(table.update);
    if (filters.length === 0 && table.single === undefined) {
      throw new ZtnaError("MISSING_FIELDS", "_filters required: PATCH takes no filter from the URL");
    }
    return done(c, { changes: await update(scope, filters, changed) });
  });

  app.delete(PATH, async (c) => {
    const { org_id: _, ...query } = c.req.query();
    const { table, scope, filters } = await enterToWrite(c, filtersOfQuery(query));
    const remove = permitted(table.remove);
    if (filters.length === 0) throw new ZtnaError("UNSAFE_DELETE");
    return done(c, { changes: await remove(scope, filters) });
  });
}

/** Who writes to which table of which org, and to which rows: those that meet the URL's filters given here and the body's. */
async function enterToWrite(c: AppContext, filtersOfUrl: readonly Filter[]) {
  await identify(c);
  admit(c, "user");
  const table = findTable(c);
  const body = await readJsonObject(c);
  const named = [...filtersOfUrl, ...filtersOfBody(body["_filters"])];
  const orgColumns = ["org_id", table.orgColumn];
  const ofOrg = named.filter(({ column }) => orgColumns.includes(column)).map(({ value }) => value);
  const orgId = readOrgId("org_id", c.req.query("org_id"), body["org_id"], ...ofOrg);
  const scope = await admitWriter(c, orgId);
  const filters = named.filter(({ column }) => !orgColumns.includes(column));
  checkColumns(filters, table.columns);
  return { table, body, scope, filters };
}

async function admitWriter(c: AppContext, orgId: OrgId): Promise<Scope> {
  const role = await requireRole(c, orgId, "member");
  if (!isAdmin(role)) throw new ZtnaError("FORBIDDEN", "Admin required for writes to this table");
  return { c, orgId, role };
}

function findTable(c: AppContext): Table {
  const name = c.req.param("table") ?? "";
  const table = Object.hasOwn(tables, name) ? tables[name] : undefined;
  if (table === undefined) throw new ZtnaError("NOT_FOUND", `Unknown table: ${name.slice(0, 100)}`);
  return table;
}

function permitted<Work>(work: Work | Refused): Exclude<Work, Refused> {
  if (typeof work === "string") throw new ZtnaError("FORBIDDEN", work);
  return work as Exclude<Work, Refused>;
}

/** The org a request is about, bare or with `eq.`. Wherever it is named, it has to be the same one. */
function readOrgId(field: string, ...named: unknown[]): OrgId {
  const ids = new Set(named.filter((text) => text !== undefined && text !== "").map(parseOrgId));
  const [orgId, other] = ids;
  if (orgId === undefined) throw new ZtnaError("MISSING_FIELDS", `${field} required`);
  if (other !== undefined) throw new ZtnaError("INVALID_INPUT", "Two different orgs are named");
  return orgId;
}

function parseOrgId(text: unknown): OrgId {
  const parsed = v.safeParse(orgIdSchema, typeof text === "string" ? text.replace(/^eq\./, "") : text);
  if (!parsed.success) throw new ZtnaError("INVALID_INPUT", parsed.issues[0].message);
  return parsed.output;
}

function done(c: AppContext, data: Row | Row[], status: 200 | 201 = 200): Response {
  return c.json({ success: true, data, error: null }, status);
}
