import { integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";

/** Released agents. Written by `npm run release` (tools/release) alone; the Worker reads. */
export const clientVersions = sqliteTable("client_versions", {
  platform: text("platform").notNull(),
  arch: text("arch").notNull(),
  version: text("version").notNull(),
  downloadUrl: text("download_url").notNull(),
  checksumSha256: text("checksum_sha256").notNull(),
  releaseNotes: text("release_notes"),
  publishedAt: integer("published_at").notNull(),
}, (table) => [primaryKey({ columns: [table.platform, table.arch, table.version] })]);
