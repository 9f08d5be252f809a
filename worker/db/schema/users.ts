import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

/** People. Written by the auth routes. Times are milliseconds. */
export const users = sqliteTable("users", {
  id: text("id").primaryKey(),
  email: text("email").notNull().unique(),
  passwordHash: text("password_hash"),
  fullName: text("full_name"),
  /** When a provider or a mail of ours has shown that the address is this person's; null for a mere claim. */
  emailVerifiedAt: integer("email_verified_at"),
  failedLogins: integer("failed_logins").notNull().default(0),
  lockedUntil: integer("locked_until").notNull().default(0),
  createdAt: integer("created_at").notNull(),
});
