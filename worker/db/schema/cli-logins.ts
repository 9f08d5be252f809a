import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";
import { users } from "./users.ts";

/** One-time codes that let a CLI log in, by SHA-256. Written by the CLI login routes. */
export const cliLogins = sqliteTable("cli_logins", {
  codeHash: text("code_hash").primaryKey(),
  userId: text("user_id").notNull().references(() => users.id, { onDelete: "cascade" }),
  /** SHA-256 of the CLI's verifier in base64url. */
  codeChallenge: text("code_challenge").notNull(),
  expiresAt: integer("expires_at").notNull(),
});
