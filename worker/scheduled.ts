import { type OrgId, orgRoutingTag } from "#protocol/ids.ts";
import { readConfig } from "./config.ts";
import { database } from "./db/database.ts";
import { findOverdueOrgs } from "./db/overdue-orgs.ts";
import { sweepExpired } from "./db/sweep.ts";
import { unwrap } from "./http/unwrap.ts";

const AT_ONCE = 20;

/** The cron job: removes what time has made worthless, and wakes the orgs whose own alarm should have rung. */
export async function runScheduled(env: Env, now: number): Promise<void> {
  const { limits, timings } = readConfig(env);
  const db = database({ env });
  await sweepExpired(db, now, timings.audit_retention_s * 1000);
  const orgs = await findOverdueOrgs(db, timings, limits.sweep_orgs, now);
  for (let i = 0; i < orgs.length; i += AT_ONCE) {
    await Promise.all(orgs.slice(i, i + AT_ONCE).map((id) => wake(env, id)));
  }
}

/** One org that fails must not keep the others from their turn. */
async function wake(env: Env, id: OrgId): Promise<void> {
  try {
    unwrap(await env.ORG.getByName(orgRoutingTag(id)).sweep());
  } catch (error) {
    console.error(JSON.stringify({ event: "sweep.failed", orgId: id, error: String(error) }));
  }
}
