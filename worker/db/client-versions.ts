import { and, eq } from "drizzle-orm";
import type { StoredRelease } from "#domain/release/versions.ts";
import type { ReleaseArchitecture, ReleasePlatform } from "#protocol/api/client-version.ts";
import type { Database } from "./database.ts";
import { clientVersions } from "./schema/client-versions.ts";

export interface ReleaseFilter {
  readonly platform?: ReleasePlatform;
  readonly arch?: ReleaseArchitecture;
}

export async function findReleases(db: Database, { platform, arch }: ReleaseFilter = {}): Promise<StoredRelease[]> {
  const wanted = and(
    platform && eq(clientVersions.platform, platform),
    arch && eq(clientVersions.arch, arch),
  );
  return (await db.select().from(clientVersions).where(wanted)).map((row) => ({
    version: row.version,
    platform: row.platform as ReleasePlatform,
    arch: row.arch as ReleaseArchitecture,
    download_url: row.downloadUrl,
    checksum_sha256: row.checksumSha256,
    release_notes: row.releaseNotes,
    published_at: new Date(row.publishedAt).toISOString(),
  }));
}
