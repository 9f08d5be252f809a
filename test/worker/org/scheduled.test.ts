import { env, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { parseSettings, timingsSchema } from "#protocol/limits.ts";
import { database } from "../../../worker/db/database.ts";
import { findOverdueOrgs } from "../../../worker/db/overdue-orgs.ts";
import { runScheduled } from "../../../worker/scheduled.ts";
import { inStorage } from "./members.ts";
import { enrol, makeKey, newOrg, type Org, orgStub } from "./support.ts";

const HOUR_MS = 3_600_000;
const timings = parseSettings("ZTNA_TIMINGS", timingsSchema, undefined);

/** An org whose machines and keys D1 knows. */
async function projectedOrg(ephemeral = false): Promise<Org> {
  const org = await newOrg();
  await enrol((await makeKey(org, { ephemeral })).key, "host");
  for (let times = 0; times < 3; times++) await runDurableObjectAlarm(orgStub(org.orgId));
  return org;
}

/** All of them: other tests leave orgs behind. */
const overdue = (now: number) => findOverdueOrgs(database({ env }), timings, 100_000, now);

async function machinesOf({ orgId }: Org) {
  const listed = await orgStub(orgId).listMachines();
  return listed.ok ? listed.value : [];
}

describe("the cron job", () => {
  it("wakes an org whose alarm was lost, and no org that is idle", async () => {
    const [lost, idle] = [await projectedOrg(), await projectedOrg()];
    await runInDurableObject(orgStub(lost.orgId), (_, { storage }) => storage.deleteAlarm());
    await inStorage(lost.orgId, "UPDATE machines SET last_seen = 0");
    await inStorage(lost.orgId, "UPDATE auth_keys SET expires_at = 0");
    await env.DB.prepare("UPDATE auth_keys SET expires_at = 0 WHERE org_id = ?").bind(lost.orgId).run();
    const now = Date.now();
    expect(await overdue(now)).toContain(lost.orgId);
    expect(await overdue(now)).not.toContain(idle.orgId);
    await runScheduled(env, now);
    expect(await machinesOf(lost)).toMatchObject([{ status: "offline" }]);
    expect(await runDurableObjectAlarm(orgStub(lost.orgId))).toBe(true);
  });

  it("finds orgs by ended auth keys and ephemeral machines left over, and never by machines that are online", async () => {
    const org = await projectedOrg(true);
    const now = Date.now();
    expect(await overdue(now + 89 * 24 * HOUR_MS)).not.toContain(org.orgId);
    await env.DB.prepare("UPDATE machines SET status = 'offline' WHERE org_id = ?").bind(org.orgId).run();
    expect(await overdue(now + HOUR_MS)).not.toContain(org.orgId);
    expect(await overdue(now + 2 * HOUR_MS)).toContain(org.orgId);
    await env.DB.prepare("DELETE FROM machines WHERE org_id = ?").bind(org.orgId).run();
    expect(await overdue(now + 90 * 24 * HOUR_MS)).not.toContain(org.orgId);
    expect(await overdue(now + 91 * 24 * HOUR_MS)).toContain(org.orgId);
  });

  it("wakes at most so many orgs at once", async () => {
    for (let i = 0; i < 3; i++) await projectedOrg();
    expect(await findOverdueOrgs(database({ env }), timings, 2, Date.now() + 91 * 24 * HOUR_MS)).toHaveLength(2);
  });

  it("forgets audit records after 90 days", async () => {
    const org = await projectedOrg();
    const now = Date.now();
    const insert = env.DB.prepare(
      "INSERT INTO audit_logs (id, org_id, rev, action, resource_type, details, created_at) VALUES (?, ?, 0, ?, 'org', '{}', ?)",
    );
    const day = 24 * HOUR_MS;
    for (const [action, age] of [["too.old", 91], ["old", 89]] as const) {
      await insert.bind(crypto.randomUUID(), org.orgId, action, now - age * day).run();
    }
    await runScheduled(env, now);
    const { results } = await env.DB.prepare("SELECT action FROM audit_logs WHERE org_id = ? ORDER BY created_at")
      .bind(org.orgId).all<{ action: string }>();
    expect(results.map(({ action }) => action)).toEqual(["old", "auth_key.created", "machine.registered"]);
  });
});
