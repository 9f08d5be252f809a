import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

/** The directory of orgs. Written by the org routes; an org's network truth is in its Durable Object. */
export const organizations = sqliteTable("organizations", {
  id: text("id").primaryKey(),
  name: text("name").notNull(),
  slug: text("slug").notNull().unique(),
  domain: text("domain"),
  createdAt: integer("created_at").notNull(),
});
