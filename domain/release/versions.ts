import {
  type Release,
  type ReleasePlatform,
  releasePlatforms,
  type VersionCheck,
} from "#protocol/api/client-version.ts";

export type StoredRelease = Omit<Release, "is_latest">;

/** Below 0 when `a` is older than `b`: a `v` in front does not count, parts between dots are compared as numbers. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [partsOf(a), partsOf(b)];
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** The highest version first, with the highest of each platform and architecture marked. */
export function rankReleases(releases: readonly StoredRelease[]): Release[] {
  const seen = new Set<string>();
  return [...releases]
    .sort((a, b) => compareVersions(b.version, a.version) || (a.published_at < b.published_at ? 1 : -1))
    .map((release) => {
      const kind = `${release.platform}/${release.arch}`;
      const is_latest = !seen.has(kind);
      seen.add(kind);
      return { ...release, is_latest };
    });
}

/** What to tell somebody who runs `current`; `releases` are those of its platform and architecture. */
export function checkVersion(current: string, releases: readonly StoredRelease[]): VersionCheck {
  const latest = rankReleases(releases)[0];
  if (latest === undefined) {
    return { current_version: current, latest_version: current, update_available: false, published_at: null };
  }
  const { version, published_at, download_url, checksum_sha256, release_notes } = latest;
  return {
    current_version: current,
    latest_version: version,
    update_available: compareVersions(current, version) < 0,
    published_at,
    download_url,
    checksum_sha256,
    ...(release_notes === null ? {} : { release_notes }),
  };
}

/** Whether something newer is released for a machine, by the system and version it reports. */
export function hasUpdate(
  { os, version }: { readonly os: string | null; readonly version: string | null },
  releases: readonly Pick<StoredRelease, "platform" | "version">[],
): boolean {
  if (os === null || version === null) return false;
  const platform = platformOf(os);
  return releases.some((release) => release.platform === platform && compareVersions(version, release.version) < 0);
}

/** Agents report what their runtime calls the system, others what they like. */
function platformOf(os: string): ReleasePlatform | undefined {
  const name = os.toLowerCase();
  return name === "darwin" ? "macos" : releasePlatforms.find((platform) => name.startsWith(platform));
}

/** What is no number counts as 0, so that any text has a place. */
function partsOf(version: string): number[] {
  return version.trim().replace(/^v/i, "").split(".").map((part) => Number.parseInt(part, 10) || 0);
}
