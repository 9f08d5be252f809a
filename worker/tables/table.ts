import * as v from "valibot";
import type { Filter, Row } from "#domain/tables/filters.ts";
import type { Role } from "#protocol/api/orgs.ts";
import { ZtnaError } from "#protocol/errors.ts";
import { type OrgId, orgRoutingTag, type UserId } from "#protocol/ids.ts";
import type { AppContext } from "../context.ts";

/** The org a request was admitted to, and who asks. */
export interface Scope {
  readonly c: AppContext;
  readonly orgId: OrgId;
  readonly role: Role;
}

/** Why nobody may do this through the table, and what to use instead. */
export type Refused = string;

export type Insert = (scope: Scope, row: Row) => Promise<Row>;
/** Changes the rows that meet all filters; answers how many. */
export type Update = (scope: Scope, filters: readonly Filter[], body: Row) => Promise<number>;
export type Remove = (scope: Scope, filters: readonly Filter[]) => Promise<number>;

/** One table of `/api/db`. Its rows are those of one org; only that org's admins may write them. */
export interface Table {
  readonly columns: readonly string[];
  /** Members and the org's machines, members, or admins alone. */
  readonly readers: "machine" | "member" | "admin";
  /** True where an org has exactly one row: it needs no filter to be told from others. */
  readonly single?: true;
  /** The column that names the org, where that is not `org_id`. */
  readonly orgColumn?: string;
  /** All rows of the org. The filters are applied afterwards in any case; a long table may use them to read less. */
  readonly read: (scope: Scope, filters: readonly Filter[]) => Promise<readonly Row[]>;
  readonly insert: Insert | Refused;
  readonly update: Update | Refused;
  readonly remove: Remove | Refused;
}

/** An update of the columns of `writable`. With none of them left nothing changes. */
export function updateOf<Changed extends object>(
  writable: v.GenericSchema<unknown, Changed>,
  run: (scope: Scope, filters: readonly Filter[], changed: Changed) => Promise<number>,
): Update {
  return async (scope, filters, body) => {
    const changed = acceptColumns(writable, body);
    return Object.keys(changed).length === 0 ? 0 : await run(scope, filters, changed);
  };
}

/** The columns of `writable`, each optional there, that a body names. Others are dropped without a word. */
export function acceptColumns<Changed extends object>(writable: v.GenericSchema<unknown, Changed>, body: Row): Changed {
  const parsed = v.safeParse(writable, body);
  if (parsed.success) return parsed.output;
  throw new ZtnaError("INVALID_INPUT", parsed.issues[0].message);
}

export function orgObject({ c, orgId }: Scope) {
  return c.env.ORG.getByName(orgRoutingTag(orgId));
}

/** The admin who writes: the doors of the table API let nobody else through. */
export function adminOf({ c }: Scope): { readonly userId: UserId; readonly isAdmin: true } {
  return { userId: c.get("user").id, isAdmin: true };
}
