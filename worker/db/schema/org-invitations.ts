import { sql } from "drizzle-orm";
import { index, integer, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";
import { invitationStatuses } from "#protocol/api/invitations.ts";
import { roles } from "#protocol/api/orgs.ts";
import { organizations } from "./organizations.ts";

/** Invitations by SHA-256 of their token; an e-mail has one open invitation per org. Written by worker/db/org-invitations.ts. */
export const orgInvitations = sqliteTable("org_invitations", {
  id: text("id").primaryKey(),
  orgId: text("org_id").notNull().references(() => organizations.id, { onDelete: "cascade" }),
  email: text("email").notNull(),
  role: text("role", { enum: roles }).notNull(),
  tokenHash: text("token_hash").notNull().unique(),
  status: text("status", { enum: invitationStatuses }).notNull(),
  invitedBy: text("invited_by"),
  expiresAt: integer("expires_at").notNull(),
  createdAt: integer("created_at").notNull(),
}, (table) => [
  uniqueIndex("org_invitations_open").on(table.orgId, table.email).where(sql`status = 'pending'`),
  index("org_invitations_org").on(table.orgId, table.createdAt),
]);
