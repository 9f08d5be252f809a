import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

/** Logins that are away at a provider, by the SHA-256 of their state. Written by the OAuth routes. */
export const oauthStates = sqliteTable("oauth_states", {
  stateHash: text("state_hash").primaryKey(),
  provider: text("provider").notNull(),
  /** SHA-256 of the cookie of the browser that set out. */
  browserHash: text("browser_hash").notNull(),
  next: text("next").notNull(),
  expiresAt: integer("expires_at").notNull(),
});
