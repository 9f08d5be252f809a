import { invitationSchema } from "#protocol/api/invitations.ts";
import { database } from "../db/database.ts";
import { listInvitations } from "../db/org-invitations.ts";
import type { Table } from "./table.ts";

/** The truth is D1's; nothing here tells a token. */
export const orgInvitations: Table = {
  columns: Object.keys(invitationSchema.entries),
  readers: "admin",
  read: ({ c, orgId }) => listInvitations(database(c), orgId),
  insert: "Use invite_member of POST /api/org-management",
  update: "Use revoke_invitation of POST /api/org-management",
  remove: "Use revoke_invitation of POST /api/org-management",
};
