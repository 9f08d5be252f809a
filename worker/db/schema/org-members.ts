import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";
import { roles } from "#protocol/api/orgs.ts";
import { organizations } from "./organizations.ts";
import { users } from "./users.ts";

/** Who belongs to which org. Written by worker/db/organizations.ts (founders), org-invitations.ts and org-members.ts. */
export const orgMembers = sqliteTable("org_members", {
  orgId: text("org_id").notNull().references(() => organizations.id, { onDelete: "cascade" }),
  userId: text("user_id").notNull().references(() => users.id, { onDelete: "cascade" }),
  role: text("role", { enum: roles }).notNull(),
  createdAt: integer("created_at").notNull(),
}, (table) => [primaryKey({ columns: [table.orgId, table.userId] }), index("org_members_user").on(table.userId)]);
