import * as v from "valibot";
import { authKeySchema } from "#protocol/api/auth-keys.ts";
import { unwrap } from "../http/unwrap.ts";
import { adminOf, orgObject, type Scope, type Table, updateOf } from "./table.ts";
import type { Filter } from "#domain/tables/filters.ts";

const revoke = async (scope: Scope, filters: readonly Filter[]) =>
  unwrap(await orgObject(scope).revokeAuthKeys(filters, adminOf(scope).userId));

/** The truth is the org object's. A key can only be revoked: its record stays, as long as machines refer to it. */
export const authKeys: Table = {
  columns: Object.keys(authKeySchema.entries),
  readers: "admin",
  read: async (scope) => unwrap(await orgObject(scope).listAuthKeys()),
  insert: "An auth key needs a secret of its own: use create_auth_key of POST /api/key-management",
  update: updateOf(
    v.object({ revoked: v.optional(v.literal(true, "revoked can only be set to true")) }),
    revoke,
  ),
  remove: revoke,
};
