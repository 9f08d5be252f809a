import { integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";

/** Fixed windows of the auth routes' rate limits. Written by worker/db/rate-limits.ts. */
export const rateLimits = sqliteTable("rate_limits", {
  scope: text("scope").notNull(),
  subject: text("subject").notNull(),
  windowEndsAt: integer("window_ends_at").notNull(),
  hits: integer("hits").notNull(),
}, (table) => [primaryKey({ columns: [table.scope, table.subject] })]);
