import type { StoredRelease } from "#domain/release/versions.ts";
import { findReleases } from "./client-versions.ts";
import { database } from "./database.ts";

interface Known {
  readonly releases: readonly StoredRelease[];
  readonly until: number;
}

const RETRY_MS = 60_000;
const cache = new WeakMap<object, Known>();

/** The releases as of some time ago: every machine's heartbeat asks for them, and none of them may need D1. */
export async function knownReleases(c: { env: Env }, keptMs: number, now: number): Promise<readonly StoredRelease[]> {
  const known = cache.get(c.env);
  if (known !== undefined && now < known.until) return known.releases;
  const read = await readReleases(c, keptMs, now) ?? { releases: known?.releases ?? [], until: now + RETRY_MS };
  cache.set(c.env, read);
  return read.releases;
}

async function readReleases(c: { env: Env }, keptMs: number, now: number): Promise<Known | undefined> {
  try {
    return { releases: await findReleases(database(c)), until: now + keptMs };
  } catch (error) {
    console.error(JSON.stringify({ event: "releases.unread", error: String(error) }));
    return undefined;
  }
}
