import type { Hono } from "hono";
import { checkVersion, rankReleases } from "#domain/release/versions.ts";
import { checkClientVersion, listClientVersions, listReleases } from "#protocol/api/client-version.ts";
import type { AppEnv } from "../context.ts";
import { findReleases } from "../db/client-versions.ts";
import { database } from "../db/database.ts";
import { mount, mountActions } from "../http/mount.ts";

const MOST_LISTED = 20;

export function clientVersionRoutes(app: Hono<AppEnv>): void {
  mountActions(app, [
    [
      checkClientVersion,
      async ({ current_version, platform, arch }, c) =>
        checkVersion(current_version, await findReleases(database(c), { platform, arch })),
    ],
    [listClientVersions, async ({ platform }, c) => {
      const releases = await findReleases(database(c), { platform });
      return { versions: rankReleases(releases).slice(0, MOST_LISTED) };
    }],
  ]);

  mount(app, listReleases, async (_, c) => ({ releases: rankReleases(await findReleases(database(c))) }));
}
