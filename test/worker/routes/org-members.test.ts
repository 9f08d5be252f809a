import { env, runInDurableObject } from "cloudflare:test";
import { describe, expect, inject, it } from "vitest";
import { call } from "#protocol/api/call.ts";
import { listMachines, listOrgMembers } from "#protocol/api/tables.ts";
import type { RealtimeServerMessage } from "#protocol/realtime.ts";
import { removeMember } from "#protocol/api/org-members.ts";
import { Inbox, upgrade } from "../org/inbox.ts";
import { enrol, makeKey, newOrg, orgStub } from "../org/support.ts";
import { base, fetchWith, selfFetch, signUpSomeone } from "../support/api.ts";
import { join, manage, type Org } from "../support/members.ts";

async function rolesOf(org: Org): Promise<Record<string, string>> {
  const rows = await call(selfFetch, base, listOrgMembers, { org_id: org.orgId }, { token: org.token });
  return Object.fromEntries(rows.map(({ user_id, role }) => [user_id, role]));
}

async function audits(org: Org, action: string) {
  const { results } = await env.DB.prepare("SELECT * FROM audit_logs WHERE org_id = ? AND action = ?")
    .bind(org.orgId, action).all<Record<string, string>>();
  return results;
}

const inOrg = (org: Org, work: (sql: SqlStorage) => void) =>
  runInDurableObject(orgStub(org.orgId), (_, state) => work(state.storage.sql));

const change = (org: Org, target_user_id: string, new_role: string, token = org.token) =>
  manage(org, "change_role", { target_user_id, new_role }, token);
const remove = (org: Org, target_user_id: string, token = org.token) =>
  manage(org, "remove_member", { target_user_id }, token);

describe("POST /api/org-management change_role", () => {
  it("gives a member another role, at once and on record", async () => {
    const org = await newOrg();
    const { user, token } = await join(org, "member");
    expect(await change(org, user.id, "auditor")).toMatchObject({
      status: 200,
      data: { user_id: user.id, role: "auditor" },
    });
    await change(org, user.id, "auditor");
    expect((await rolesOf(org))[user.id]).toBe("auditor");
    expect(await manage(org, "list_invitations", {}, token)).toMatchObject({ code: "FORBIDDEN" });
    await change(org, user.id, "admin");
    expect(await manage(org, "list_invitations", {}, token)).toMatchObject({ status: 200 });
    const records = await audits(org, "member.role_changed");
    expect(records.map(({ resource_id, details }) => [resource_id, JSON.parse(details!)])).toEqual([
      [user.id, { old_role: "member", new_role: "auditor" }],
      [user.id, { old_role: "auditor", new_role: "admin" }],
    ]);
  });

  it("refuses one's own role with FORBIDDEN and HTTP 400", async () => {
    const org = await newOrg();
    const [owner] = Object.keys(await rolesOf(org));
    expect(await change(org, owner!, "member")).toMatchObject({
      status: 400,
      code: "FORBIDDEN",
      message: "Can't change your own role",
    });
  });

  it("lets owners alone make owners and change them: FORBIDDEN", async () => {
    const org = await newOrg();
    const [owner] = Object.keys(await rolesOf(org));
    const [admin, member] = [await join(org, "admin"), await join(org, "member")];
    expect(await change(org, member.user.id, "owner", admin.token)).toMatchObject({
      status: 403,
      code: "FORBIDDEN",
      message: "Only owners can promote to owner role",
    });
    expect(await change(org, owner!, "member", admin.token)).toMatchObject({ status: 403, code: "FORBIDDEN" });
    expect(await change(org, member.user.id, "owner")).toMatchObject({ status: 200 });
    expect(await change(org, owner!, "member", member.token)).toMatchObject({ status: 200 });
    expect(await rolesOf({ ...org, token: member.token })).toMatchObject({
      [owner!]: "member",
      [member.user.id]: "owner",
    });
  });

  it("leaves an owner when two owners degrade each other at once", async () => {
    const org = await newOrg();
    const [first] = Object.keys(await rolesOf(org));
    const second = await join(org, "owner");
    await Promise.all([change(org, second.user.id, "member"), change(org, first!, "member", second.token)]);
    expect(Object.values(await rolesOf(org))).toContain("owner");
  });

  it("refuses an unknown role with INVALID_ROLE, and missing or mistyped fields", async () => {
    const org = await newOrg();
    const { user } = await join(org, "member");
    expect(await change(org, user.id, "king")).toMatchObject({ status: 400, code: "INVALID_ROLE" });
    const ask = (more: object) => manage(org, "change_role", more);
    expect(await ask({})).toMatchObject({ code: "MISSING_FIELDS", message: "target_user_id, new_role required" });
    expect(await ask({ target_user_id: "x", new_role: "admin" })).toMatchObject({ code: "INVALID_INPUT" });
    expect(await ask({ target_user_id: user.id, new_role: 7 })).toMatchObject({ code: "INVALID_INPUT" });
  });
});

describe("POST /api/org-management remove_member", () => {
  it("shuts the person out and quarantines the machines they own, except those that wait for approval", async () => {
    const org = await newOrg();
    const member = await join(org, "member");
    const { key } = await makeKey(org);
    for (const name of ["on", "off", "waiting", "elsewhere"]) await enrol(key, name);
    const own = (sql: SqlStorage, name: string, status: string) =>
      sql.exec("UPDATE machines SET owner_id = ?, status = ? WHERE name = ?", member.user.id, status, name);
    await inOrg(org, (sql) => {
      own(sql, "on", "online");
      own(sql, "off", "offline");
      own(sql, "waiting", "pending");
    });
    expect(await remove(org, member.user.id)).toMatchObject({
      status: 200,
      data: { removed: member.user.id, machines_quarantined: 2 },
    });
    const rows = await call(selfFetch, base, listMachines, { org_id: org.orgId }, { token: org.token });
    expect(Object.fromEntries(rows.map(({ name, status }) => [name, status]))).toEqual({
      on: "quarantined",
      off: "quarantined",
      waiting: "pending",
      elsewhere: "online",
    });
    expect((await rolesOf(org))[member.user.id]).toBe(undefined);
    const read = call(selfFetch, base, listMachines, { org_id: org.orgId }, { token: member.token });
    await expect(read).rejects.toMatchObject({ code: "FORBIDDEN", message: "Not a member" });
    expect(await audits(org, "member.removed")).toMatchObject([{ resource_id: member.user.id }]);
  });

  it("refuses oneself with FORBIDDEN and HTTP 400", async () => {
    const org = await newOrg();
    const [owner] = Object.keys(await rolesOf(org));
    expect(await remove(org, owner!)).toMatchObject({
      status: 400,
      code: "FORBIDDEN",
      message: "Can't remove yourself",
    });
  });

  it("keeps owners out of reach of admins: FORBIDDEN, and of each other at once", async () => {
    const org = await newOrg();
    const [first] = Object.keys(await rolesOf(org));
    const [admin, second] = [await join(org, "admin"), await join(org, "owner")];
    expect(await remove(org, first!, admin.token)).toMatchObject({ status: 403, code: "FORBIDDEN" });
    await Promise.all([remove(org, second.user.id), remove(org, first!, second.token)]);
    expect(Object.values(await rolesOf({ ...org, token: admin.token }))).toContain("owner");
  });
});

describe("POST /api/org-management change_role and remove_member", () => {
  it("answer NOT_FOUND for a stranger and another org's member alike", async () => {
    const [org, other] = [await newOrg(), await newOrg()];
    for (const id of [(await join(other, "member")).user.id, crypto.randomUUID()]) {
      expect(await change(org, id, "admin")).toMatchObject({ status: 404, code: "NOT_FOUND" });
      expect(await remove(org, id)).toMatchObject({ status: 404, code: "NOT_FOUND" });
    }
    expect(await manage(org, "remove_member")).toMatchObject({ status: 400, code: "MISSING_FIELDS" });
    expect(await remove(org, "x")).toMatchObject({ status: 400, code: "INVALID_INPUT" });
  });

  it("refuse members and strangers with FORBIDDEN, nobody with UNAUTHORIZED", async () => {
    const org = await newOrg();
    const [member, stranger] = [await join(org, "member"), await signUpSomeone()];
    for (
      const act of [
        (token: string) => change(org, member.user.id, "admin", token),
        (token: string) => remove(org, member.user.id, token),
      ]
    ) {
      expect(await act(member.token)).toMatchObject({ status: 403, message: "Admin required" });
      expect(await act(stranger.token)).toMatchObject({ status: 403, message: "Not a member" });
      expect(await act("nonsense")).toMatchObject({ status: 401, code: "UNAUTHORIZED" });
    }
  });
});

describe("the live channel members", () => {
  it("brings who joins, changes and leaves, and the record of each", async () => {
    const org = await newOrg();
    const protocol = { "sec-websocket-protocol": `access_token.${org.token}` };
    const { webSocket } = await upgrade(`/api/realtime?org_id=${org.orgId}`, protocol);
    const inbox = new Inbox(webSocket!, (text) => JSON.parse(text) as RealtimeServerMessage);
    inbox.send({ type: "subscribe", channels: ["members"] });
    await inbox.take();
    await inbox.take();
    const { user } = await join(org, "member");
    const row = { org_id: org.orgId, user_id: user.id };
    expect(await inbox.take()).toMatchObject({ event: "INSERT", payload: { ...row, role: "member" } });
    await change(org, user.id, "admin");
    expect(await inbox.take()).toMatchObject({ event: "UPDATE", payload: { ...row, role: "admin" } });
    await remove(org, user.id);
    expect(await inbox.take()).toMatchObject({ channel: "members", event: "DELETE", payload: row });
  });
});

describe("the mail to whom remove_member removed", () => {
  it("names the org", async () => {
    const org = await newOrg();
    const { user } = await join(org, "member");
    const ZTNA_MAIL_URL = `${inject("mailServer")}/removed`;
    const mailing = fetchWith({ bindings: { ZTNA_MAIL_URL, ZTNA_MAIL_FROM: "noreply@ztna.test" } });
    const input = { org_id: org.orgId, target_user_id: user.id };
    await call(mailing, base, removeMember, input, { token: org.token });
    expect(await (await fetch(ZTNA_MAIL_URL)).json()).toMatchObject([{
      authorization: null,
      body: { to: [user.email], subject: "You are no longer a member of Acme" },
    }]);
  });
});
