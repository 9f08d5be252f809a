import { and, eq, lt, sql } from "drizzle-orm";
import { union } from "drizzle-orm/sqlite-core";
import type { OrgId } from "#protocol/ids.ts";
import type { Timings } from "#protocol/limits.ts";
import type { Database } from "./database.ts";
import { authKeys, machines } from "./schema/projections.ts";

/**
 * Orgs with something that should have happened long ago: an auth key past its end, an ephemeral machine still there.
 * An idle org has neither, so it is not woken.
 */
export async function findOverdueOrgs(db: Database, timings: Timings, most: number, now: number): Promise<OrgId[]> {
  const before = (seconds: number) => now - (seconds + timings.sweep_slack_s) * 1000;
  const keys = db.select({ id: authKeys.orgId }).from(authKeys)
    .where(and(eq(authKeys.revoked, 0), lt(authKeys.expiresAt, before(0))));
  const leftOver = and(
    eq(machines.ephemeral, 1),
    eq(machines.status, "offline"),
    eq(machines.adminDisabled, 0),
    lt(machines.lastSeen, before(timings.ephemeral_offline_s)),
  );
  const orgs = db.select({ id: machines.orgId }).from(machines).where(leftOver);
  // Another choice each time, so that orgs which cannot be helped do not keep the others waiting.
  const overdue = union(keys, orgs).as("overdue");
  const rows = await db.select({ id: overdue.id }).from(overdue).orderBy(sql`random()`).limit(most);
  return rows.map(({ id }) => id as OrgId);
}
