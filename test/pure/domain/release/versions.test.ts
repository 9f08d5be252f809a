import { expect, test } from "vitest";
import {
  checkVersion,
  compareVersions,
  hasUpdate,
  rankReleases,
  type StoredRelease,
} from "#domain/release/versions.ts";

function release(version: string, more: Partial<StoredRelease> = {}): StoredRelease {
  return {
    version,
    platform: "linux",
    arch: "amd64",
    download_url: `https://example.com/ztna-${version}`,
    checksum_sha256: "ab".repeat(32),
    release_notes: null,
    published_at: "2026-03-01T00:00:00.000Z",
    ...more,
  };
}

test.each([
  ["1.2.3", "1.2.3", 0],
  ["v1.2.3", "1.2.3", 0],
  ["1.2.9", "1.2.10", -1],
  ["1.10.0", "1.9.9", 1],
  ["1.2", "1.2.0", 0],
  ["1.2", "1.2.1", -1],
  ["2", "10", -1],
  ["", "0", 0],
  ["nonsense", "0.0.1", -1],
])("version %s beside %s compares as %d, by numbers and not by letters", (a, b, expected) => {
  expect(Math.sign(compareVersions(a, b))).toBe(expected);
  expect(Math.sign(compareVersions(b, a))).toBe(expected === 0 ? 0 : -expected);
});

test("releases come highest version first, whenever they were published, one latest for each kind", () => {
  const ranked = rankReleases([
    release("1.9.0"),
    release("1.10.0"),
    release("1.9.1", { published_at: "2026-04-01T00:00:00.000Z" }),
    release("1.9.0", { arch: "arm64" }),
  ]);
  expect(ranked.map(({ version, arch, is_latest }) => [version, arch, is_latest])).toEqual([
    ["1.10.0", "amd64", true],
    ["1.9.1", "amd64", false],
    ["1.9.0", expect.any(String), expect.any(Boolean)],
    ["1.9.0", expect.any(String), expect.any(Boolean)],
  ]);
  expect(ranked.filter(({ is_latest }) => is_latest).map(({ arch }) => arch).sort()).toEqual(["amd64", "arm64"]);
});

test("a version that is ahead of every release needs no update, and nothing released is no update", () => {
  expect(checkVersion("2.0.0", [release("1.0.0")])).toMatchObject({ latest_version: "1.0.0", update_available: false });
  expect(checkVersion("2.0.0", [])).toEqual({
    current_version: "2.0.0",
    latest_version: "2.0.0",
    update_available: false,
    published_at: null,
  });
});

test.each([
  ["linux", "1.0.0", true],
  ["Linux 6.1", "1.0.0", true],
  ["linux", "2.0.0", false],
  ["darwin", "2.0.0", true],
  ["windows", "1.0.0", false],
  ["plan9", "1.0.0", false],
  [null, "1.0.0", false],
  ["linux", null, false],
])("a machine with system %j and version %j has an update: %j", (os, version, expected) => {
  const releases = [release("2.0.0"), release("1.5.0"), release("3.0.0", { platform: "macos" })];
  expect(hasUpdate({ os, version }, releases)).toBe(expected);
});
