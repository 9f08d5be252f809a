import { index, integer, sqliteTable, text } from "drizzle-orm/sqlite-core";
import { users } from "./users.ts";

/**
 * Refresh tokens by SHA-256. A family is one session: rotation keeps it, and a used token that comes back ends all of it. Written
 * by worker/db/refresh-tokens.ts.
 */
export const refreshTokens = sqliteTable("refresh_tokens", {
  hash: text("hash").primaryKey(),
  family: text("family").notNull(),
  userId: text("user_id").notNull().references(() => users.id, { onDelete: "cascade" }),
  usedAt: integer("used_at"),
  expiresAt: integer("expires_at").notNull(),
  createdAt: integer("created_at").notNull(),
  /** When the session was opened. */
  startedAt: integer("started_at").notNull().default(0),
  ip: text("ip"),
  userAgent: text("user_agent"),
}, (table) => [index("refresh_tokens_family").on(table.family), index("refresh_tokens_user").on(table.userId)]);
