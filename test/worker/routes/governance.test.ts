import { env, runDurableObjectAlarm, SELF } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { type AuditLog, readAudit, searchAuditLogs } from "#protocol/api/audit-logs.ts";
import { login } from "#protocol/api/auth.ts";
import { call } from "#protocol/api/call.ts";
import type { InputOf } from "#protocol/api/endpoint.ts";
import type { OrgId, UserId } from "#protocol/ids.ts";
import { insertAuditLog, newAuditLog } from "../../../worker/db/audit-logs.ts";
import { database } from "../../../worker/db/database.ts";
import worker from "../../../worker/index.ts";
import { enrol, makeKey, newOrg, type Org, orgStub, outcome } from "../org/support.ts";
import { base, post, type ReceivedEnvelope, selfFetch, signUpSomeone } from "../support/api.ts";

type Search = Omit<InputOf<typeof searchAuditLogs>, "org_id">;

function search(org: Org, wanted: Search = {}, token = org.token) {
  return call(selfFetch, base, searchAuditLogs, { org_id: org.orgId, ...wanted }, { token });
}

/** Hands everything over to D1. */
async function project(org: Org): Promise<void> {
  for (let i = 0; i < 5; i++) await runDurableObjectAlarm(orgStub(org.orgId));
}

/** A record of a change in D1, `ageMs` ago. */
async function record(org: Org, action: string, ageMs = 0, details: Record<string, unknown> = {}): Promise<void> {
  const orgId = org.orgId as OrgId;
  const now = Date.now() - ageMs;
  const log = newAuditLog({ orgId, action, resourceType: "member", resourceId: "m", userId: null, details, now });
  await database({ env }).batch([insertAuditLog(database({ env }), log)]);
}

async function join(org: Org, role: string): Promise<string> {
  const { token, user } = await signUpSomeone();
  await env.DB.prepare("INSERT INTO org_members (org_id, user_id, role, created_at) VALUES (?, ?, ?, 0)")
    .bind(org.orgId, user.id, role).run();
  return token;
}

const actions = (logs: readonly AuditLog[]) => logs.map(({ action }) => action);

const DAY_MS = 86_400_000;

describe("POST /api/governance search_audit_logs", () => {
  it("shows a change the moment it has happened, and the same once D1 has it", async () => {
    const org = await newOrg();
    const { key, id } = await makeKey(org, { name: "servers" });
    const { machine_id } = await enrol(key, "host");
    const fresh = await search(org);
    expect(fresh).toMatchObject({
      total: 2,
      page: 0,
      page_size: 50,
      total_pages: 1,
      filters: { resource_types: ["auth_key", "machine"], action_categories: ["auth_key", "machine"] },
    });
    expect(fresh.logs).toMatchObject([
      { action: "machine.registered", resource_type: "machine", resource_id: machine_id, details: { name: "host" } },
      { action: "auth_key.created", resource_type: "auth_key", resource_id: id, details: { name: "servers" } },
    ]);
    await project(org);
    expect(await search(org)).toEqual(fresh);
    await record(org, "member.removed");
    await makeKey(org);
    expect(actions((await search(org)).logs)).toEqual([
      "auth_key.created",
      "member.removed",
      "machine.registered",
      "auth_key.created",
    ]);
  });

  it("pages through fresh and stored records without a gap or a repetition", async () => {
    const org = await newOrg();
    for (let i = 0; i < 7; i++) await record(org, `member.stored_${i}`, 1000 * (i + 1));
    for (let i = 0; i < 3; i++) await makeKey(org);
    const whole = (await search(org)).logs.map(({ id }) => id);
    const paged: string[] = [];
    for (let page = 0; page < 5; page++) {
      const found = await search(org, { page, page_size: 3 });
      expect(found).toMatchObject({ total: 10, page, page_size: 3, total_pages: 4 });
      paged.push(...found.logs.map(({ id }) => id));
    }
    expect(paged).toEqual(whole);
    expect(new Set(paged).size).toBe(10);
    expect((await search(org, { page_size: 0 })).page_size).toBe(1);
    expect((await search(org, { page_size: 9999 })).page_size).toBe(200);
  });

  it.each(["fresh", "stored"])("finds %s records by action, category, resource, text and time", async (where) => {
    const org = await newOrg();
    const { key } = await makeKey(org, { name: "Servers 100%" });
    await enrol(key, "host-a");
    await enrol(key, "host-b");
    if (where === "stored") await project(org);
    const found = async (wanted: Search) => actions((await search(org, wanted)).logs);
    const registered = ["machine.registered", "machine.registered"];
    expect(await found({ action_filter: "machine.registered" })).toEqual(registered);
    expect(await found({ action_category: "auth_key" })).toEqual(["auth_key.created"]);
    expect(await found({ resource_type: "machine" })).toEqual(registered);
    expect(await found({ search: "HOST-A" })).toEqual(["machine.registered"]);
    expect(await found({ search: "100%" })).toEqual(["auth_key.created"]);
    expect(await found({ search: "_" })).toHaveLength(3);
    expect(await found({ search: "nothing like it" })).toEqual([]);
    expect(await found({ action_filter: "machine.registered", search: "servers" })).toEqual([]);
    const day = (offset: number) => new Date(Date.now() + offset * DAY_MS).toISOString().slice(0, 10);
    expect(await found({ date_from: day(0), date_to: day(0) })).toHaveLength(3);
    expect(await found({ date_from: day(1) })).toEqual([]);
    expect(await found({ date_to: day(-1) })).toEqual([]);
    expect(await found({ search: "", resource_type: null, date_from: "" })).toHaveLength(3);
  });

  it.each(["admin", "member", "auditor"])("is open to the role %s", async (role) => {
    const org = await newOrg();
    await makeKey(org);
    expect((await search(org, {}, await join(org, role))).total).toBe(1);
  });

  it("shows nothing of another org", async () => {
    const [mine, theirs] = [await newOrg(), await newOrg()];
    await makeKey(theirs);
    await record(theirs, "member.removed");
    expect(await search(mine)).toMatchObject({
      logs: [],
      total: 0,
      total_pages: 0,
      filters: { resource_types: [], action_categories: [] },
    });
  });

  it("is refused without a token, to strangers, without an org and with mistyped fields", async () => {
    const org = await newOrg();
    const authorization = `Bearer ${org.token}`;
    const ask = async (more: object, headers: Record<string, string> = { authorization }) => {
      const body = { action: "search_audit_logs", org_id: org.orgId, ...more };
      const { status, envelope } = await post("/api/governance", body, headers);
      return [status, envelope.error?.code, envelope.error?.message];
    };
    expect(await ask({}, {})).toEqual([401, "UNAUTHORIZED", "Authentication required"]);
    const stranger = { authorization: `Bearer ${(await signUpSomeone()).token}` };
    expect(await ask({}, stranger)).toEqual([403, "FORBIDDEN", "Not a member"]);
    expect(await ask({ org_id: undefined })).toEqual([400, "MISSING_FIELDS", "org_id required"]);
    expect(await ask({ org_id: "x" })).toEqual([400, "INVALID_INPUT", "org_id must be a UUID"]);
    expect(await ask({ page: -1 })).toEqual([400, "INVALID_INPUT", "page must be a whole number from 0 on"]);
    expect(await ask({ page_size: "50" })).toEqual([
      400,
      "INVALID_INPUT",
      "page_size must be a whole number from 0 on",
    ]);
    expect(await ask({ search: 7 })).toEqual([400, "INVALID_INPUT", "search must be a string"]);
    expect(await ask({ date_from: "soon" })).toEqual([400, "INVALID_INPUT", "date_from must be an ISO 8601 date"]);
    expect(await ask({ action: "explode" })).toEqual([400, "UNKNOWN_ACTION", "Unknown action: explode"]);
  });
});

describe("the audit log", () => {
  it("has auth.login and auth.login_failed in every org of the person, with no password in them", async () => {
    const { user, token } = await signUpSomeone();
    const orgs = [await newOrg(), await newOrg(), await newOrg()];
    for (const { orgId } of orgs.slice(0, 2)) {
      await env.DB.prepare("INSERT INTO org_members (org_id, user_id, role, created_at) VALUES (?, ?, 'member', 0)")
        .bind(orgId, user.id).run();
    }
    const tryIt = (password: string) => outcome(call(selfFetch, base, login, { email: user.email, password }, {}));
    expect(await tryIt("wrong horse")).toBe("INVALID_CREDENTIALS");
    expect(await tryIt("correct horse")).toBe("ok");
    expect(await outcome(call(selfFetch, base, login, { email: "nobody@example.com", password: "x" }))).toBe(
      "INVALID_CREDENTIALS",
    );
    for (const org of orgs.slice(0, 2)) {
      const { logs } = await search(org, { resource_type: "user" }, token);
      expect(actions(logs)).toEqual(["auth.login", "auth.login_failed"]);
      expect(new Set(logs.map(({ user_id }) => user_id))).toEqual(new Set([user.id as UserId]));
      expect(logs[0]).toMatchObject({ resource_id: user.id, details: { method: "password" } });
      expect(JSON.stringify(logs)).not.toContain("horse");
    }
    expect((await search(orgs[2]!)).total).toBe(0);
  });

  it("forgets records after 90 days", async () => {
    const org = await newOrg();
    await record(org, "member.long_ago", 90 * DAY_MS + 60_000);
    await record(org, "member.recent", 90 * DAY_MS - 60_000);
    await worker.scheduled({} as ScheduledController, env);
    expect(actions((await search(org)).logs)).toEqual(["member.recent"]);
  });
});

describe("GET /api/audit", () => {
  async function ask(query: string, token?: string) {
    const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const response = await SELF.fetch(`${base}/api/audit?${query}`, { headers });
    const { data, error } = await response.json<ReceivedEnvelope>();
    return { status: response.status, data, code: error?.code, message: error?.message };
  }

  it("shows the newest records, or counts those of an action and a time", async () => {
    const org = await newOrg();
    await record(org, "member.removed", 5 * 3_600_000);
    await makeKey(org);
    const { token, orgId: org_id } = org;
    const read = (more: object) => call(selfFetch, base, readAudit, { org_id, ...more }, { token });
    expect(await read({ limit: "1" })).toMatchObject({ logs: [{ action: "auth_key.created" }] });
    expect(await read({ mode: "recent", action: "member.removed" })).toMatchObject({ logs: [{ org_id }] });
    expect(await read({ mode: "count" })).toEqual({ count: 2 });
    expect(await read({ mode: "count", since_hours: "4" })).toEqual({ count: 1 });
    expect(await read({ mode: "count", action: "member.removed", since_hours: "4" })).toEqual({ count: 0 });
  });

  it("is refused without a token, to strangers, without an org and with mistyped fields", async () => {
    const { orgId, token } = await newOrg();
    const org = `org_id=${orgId}`;
    expect(await ask(org)).toMatchObject({ status: 401, code: "UNAUTHORIZED" });
    expect(await ask(org, (await signUpSomeone()).token)).toMatchObject({ status: 403, message: "Not a member" });
    expect(await ask("", token)).toMatchObject({ status: 400, code: "MISSING_FIELDS", message: "org_id required" });
    expect(await ask(`${org}&mode=all`, token)).toMatchObject({
      code: "INVALID_INPUT",
      message: "mode must be recent or count",
    });
    expect(await ask(`${org}&since_hours=x`, token)).toMatchObject({ message: "since_hours must be a whole number" });
    expect(await ask(`${org}&limit=-1`, token)).toMatchObject({ message: "limit must be a whole number" });
  });
});
