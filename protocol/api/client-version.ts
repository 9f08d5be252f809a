import * as v from "valibot";
import { endpoint } from "./endpoint.ts";

/** Released agents, for anyone: which there are, and whether one is newer than the caller's. */

export const releasePlatforms = ["linux", "windows", "macos"] as const;
export type ReleasePlatform = (typeof releasePlatforms)[number];
export const releaseArchitectures = ["amd64", "arm64"] as const;
export type ReleaseArchitecture = (typeof releaseArchitectures)[number];

const platform = v.picklist(releasePlatforms, "platform must be linux, windows or macos");
const arch = v.picklist(releaseArchitectures, "arch must be amd64 or arm64");

/** One program that can be downloaded; times are ISO 8601. */
export const releaseSchema = v.object({
  version: v.string(),
  platform: v.picklist(releasePlatforms),
  arch: v.picklist(releaseArchitectures),
  download_url: v.string(),
  checksum_sha256: v.string(),
  release_notes: v.nullable(v.string()),
  /** True for the highest version of a platform and architecture. */
  is_latest: v.boolean(),
  published_at: v.string(),
});
export type Release = v.InferOutput<typeof releaseSchema>;

const common = { method: "POST", path: "/api/client-version", caller: "anyone" } as const;

export const checkClientVersion = endpoint({
  ...common,
  action: "check",
  request: v.object({
    current_version: v.pipe(
      v.string("current_version must be a string"),
      v.nonEmpty("current_version required"),
      v.maxLength(100, "current_version must be at most 100 characters"),
    ),
    platform,
    arch: v.optional(arch, "amd64"),
  }),
  response: v.object({
    current_version: v.string(),
    /** The caller's own where nothing is released for it. */
    latest_version: v.string(),
    update_available: v.boolean(),
    published_at: v.nullable(v.string()),
    download_url: v.optional(v.string()),
    checksum_sha256: v.optional(v.string()),
    release_notes: v.optional(v.string()),
  }),
  refusals: ["MISSING_FIELDS", "INVALID_INPUT"],
});
export type VersionCheck = v.InferOutput<typeof checkClientVersion.response>;

export const listClientVersions = endpoint({
  ...common,
  action: "list",
  request: v.object({ platform }),
  /** Newest first, at most 20. */
  response: v.object({ versions: v.array(releaseSchema) }),
  refusals: ["MISSING_FIELDS", "INVALID_INPUT"],
});

export const listReleases = endpoint({
  method: "GET",
  path: "/api/releases",
  aliases: ["/api/releases/"],
  caller: "anyone",
  request: v.object({}),
  response: v.object({ releases: v.array(releaseSchema) }),
  refusals: [],
});
