import { orgMemberSchema } from "#protocol/api/orgs.ts";
import { database } from "../db/database.ts";
import { listMembers } from "../db/org-members.ts";
import type { Table } from "./table.ts";

/** The truth is D1's. Who may raise, lower or remove whom is decided in one place only. */
export const orgMembers: Table = {
  columns: Object.keys(orgMemberSchema.entries),
  readers: "member",
  read: ({ c, orgId }) => listMembers(database(c), orgId),
  insert: "Use invite_member of POST /api/org-management",
  update: "Use change_role of POST /api/org-management",
  remove: "Use remove_member of POST /api/org-management",
};
