import { env, runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { login, me, refresh, type Session } from "#protocol/api/auth.ts";
import { call } from "#protocol/api/call.ts";
import { machineHeartbeat } from "#protocol/api/machines.ts";
import { changePassword, deleteAccount, updateProfile } from "#protocol/api/profile.ts";
import { listMachines, listOrgMembers } from "#protocol/api/tables.ts";
import { enrol, makeKey, newOrg, type Org, orgStub, outcome } from "../org/support.ts";
import { base, endWindow, fetchWith, post, selfFetch, signUpSomeone } from "../support/api.ts";
import { invite, join } from "../support/members.ts";

const password = "correct horse";
const whoAmI = (token: string) => call(selfFetch, base, me, {}, { token });
const logIn = (email: string, password: string) => call(selfFetch, base, login, { email, password });

async function ask(path: string, body: object, token: string | undefined) {
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const { status, envelope } = await post(path, body, headers);
  return { status, code: envelope.error?.code, message: envelope.error?.message };
}

describe("POST /api/auth/update-profile", () => {
  it("gives and takes the name", async () => {
    const { token, user } = await signUpSomeone();
    const profile = { id: user.id, email: user.email, avatar_url: null };
    const update = (full_name: string | null) => call(selfFetch, base, updateProfile, { full_name }, { token });
    expect(await update("  Ada Lovelace ")).toEqual({ ...profile, full_name: "Ada Lovelace" });
    expect(await whoAmI(token)).toEqual({ ...profile, full_name: "Ada Lovelace" });
    expect(await update("")).toEqual({ ...profile, full_name: null });
  });

  it.each([
    [{}, "MISSING_FIELDS", "full_name required"],
    [{ full_name: 7 }, "INVALID_INPUT", "full_name must be a string"],
    [{ full_name: "x".repeat(101) }, "INVALID_INPUT", "full_name must be at most 100 characters"],
  ])("refuses %j with %s, and nobody with UNAUTHORIZED", async (body, code, message) => {
    const { token } = await signUpSomeone();
    expect(await ask("/api/auth/update-profile", body, token)).toEqual({ status: 400, code, message });
    expect(await ask("/api/auth/update-profile", body, undefined)).toMatchObject({ status: 401, code: "UNAUTHORIZED" });
  });
});

describe("POST /api/auth/change-password", () => {
  const change = (session: Session, current_password: string, new_password: string, fetch = selfFetch) =>
    call(fetch, base, changePassword, { current_password, new_password }, { token: session.token });

  it("changes it, and whoever was logged in before is not any more, with any token", async () => {
    const first = await signUpSomeone();
    const other = await logIn(first.user.email, password);
    const next = await change(first, password, "battery staple");
    expect(next.user).toEqual(first.user);
    for (const old of [first, other]) {
      await expect(whoAmI(old.token)).rejects.toMatchObject({ code: "UNAUTHORIZED" });
      const renewal = call(selfFetch, base, refresh, { refresh_token: old.refresh_token });
      await expect(renewal).rejects.toMatchObject({ code: "INVALID_TOKEN" });
    }
    await whoAmI(next.token);
    await call(selfFetch, base, refresh, { refresh_token: next.refresh_token });
    await expect(logIn(first.user.email, password)).rejects.toMatchObject({ code: "INVALID_CREDENTIALS" });
    await logIn(first.user.email, "battery staple");
  });

  it("is on record in each of the person's orgs", async () => {
    const org = await newOrg();
    const member = await join(org, "member");
    await change(member, password, "battery staple");
    const record = await env.DB.prepare(
      "SELECT * FROM audit_logs WHERE org_id = ? AND action = 'auth.password_changed'",
    )
      .bind(org.orgId).first();
    expect(record).toMatchObject({ user_id: member.user.id, resource_type: "user", details: '{"ip":"unknown"}' });
  });

  it("refuses a wrong current password with INVALID_PASSWORD and changes nothing", async () => {
    const session = await signUpSomeone();
    await expect(change(session, "wrong horse", "battery staple")).rejects.toMatchObject({
      code: "INVALID_PASSWORD",
      status: 403,
    });
    await whoAmI(session.token);
    await logIn(session.user.email, password);
  });

  it("is limited per person: RATE_LIMITED, and free again in the next window", async () => {
    const [one, other] = [await signUpSomeone(), await signUpSomeone()];
    const limited = fetchWith({ limits: { change_password_per_user: 2 } });
    for (let i = 0; i < 2; i++) expect(await outcome(change(one, "wrong", password, limited))).toBe("INVALID_PASSWORD");
    expect(await outcome(change(one, password, password, limited))).toBe("RATE_LIMITED");
    expect(await outcome(change(other, "wrong", password, limited))).toBe("INVALID_PASSWORD");
    await endWindow("change_password_user", one.user.id);
    await change(one, password, password, limited);
  });

  it("allows five tries in five minutes unless the deploy says otherwise", async () => {
    const one = await signUpSomeone();
    const codes = [];
    for (let i = 0; i < 6; i++) codes.push(await outcome(change(one, "wrong", password)));
    expect(codes).toEqual([...Array.from({ length: 5 }, () => "INVALID_PASSWORD"), "RATE_LIMITED"]);
    const limited = change(one, password, password);
    await expect(limited).rejects.toMatchObject({ details: { retry_after_s: expect.any(Number) } });
  });

  it("gives an account without one its first within ten minutes of a login, and later refuses with INVALID_STATE", async () => {
    const session = await signUpSomeone();
    await env.DB.prepare("UPDATE users SET password_hash = NULL WHERE id = ?").bind(session.user.id).run();
    const startedAt = env.DB.prepare("UPDATE refresh_tokens SET started_at = ? WHERE user_id = ?");
    await startedAt.bind(Date.now() - 601_000, session.user.id).run();
    expect(await outcome(change(session, "", password))).toBe("INVALID_STATE");
    await startedAt.bind(Date.now() - 300_000, session.user.id).run();
    await change(session, "", password);
    await logIn(session.user.email, password);
  });

  it.each([
    [{}, "MISSING_FIELDS", "current_password, new_password required"],
    [{ current_password: password, new_password: "short" }, "INVALID_INPUT", /at least 8 characters/],
    [{ current_password: 7, new_password: password }, "INVALID_INPUT", "current_password must be a string"],
  ])("refuses %j with %s, and nobody with UNAUTHORIZED", async (body, code, message) => {
    const { token } = await signUpSomeone();
    const path = "/api/auth/change-password";
    expect(await ask(path, body, token)).toMatchObject({ status: 400, code, message: expect.stringMatching(message) });
    expect(await ask(path, body, undefined)).toMatchObject({ status: 401, code: "UNAUTHORIZED" });
  });
});

describe("POST /api/auth/delete-account", () => {
  const remove = (token: string, password = "correct horse") =>
    call(selfFetch, base, deleteAccount, { password }, { token });
  const rows = (statement: string, ...values: string[]) =>
    env.DB.prepare(statement).bind(...values).all<Record<string, unknown>>().then(({ results }) => results);
  const machinesOf = (org: Org) => call(selfFetch, base, listMachines, { org_id: org.orgId }, { token: org.token });

  it("removes the person, their sessions and memberships, and nobody can log in as them", async () => {
    const org = await newOrg();
    const member = await join(org, "member");
    expect(await remove(member.token)).toEqual({ deleted: true });
    await expect(whoAmI(member.token)).rejects.toMatchObject({ code: "UNAUTHORIZED" });
    await expect(logIn(member.user.email, password)).rejects.toMatchObject({ code: "INVALID_CREDENTIALS" });
    const members = await call(selfFetch, base, listOrgMembers, { org_id: org.orgId }, { token: org.token });
    expect(members.map(({ user_id }) => user_id)).not.toContain(member.user.id);
    for (const table of ["refresh_tokens", "org_members"]) {
      expect(await rows(`SELECT * FROM ${table} WHERE user_id = ?`, member.user.id)).toEqual([]);
    }
  });

  it("quarantines the machines they own", async () => {
    const org = await newOrg();
    const member = await join(org, "member");
    const { key } = await makeKey(org);
    for (const name of ["theirs", "other"]) await enrol(key, name);
    await runInDurableObject(orgStub(org.orgId), (_, state) => {
      state.storage.sql.exec("UPDATE machines SET owner_id = ? WHERE name = 'theirs'", member.user.id);
    });
    await remove(member.token);
    expect((await machinesOf(org)).map(({ name, status }) => [name, status])).toEqual([
      ["theirs", "quarantined"],
      ["other", "online"],
    ]);
  });

  it("takes their name and address out of the audit log, and keeps its records", async () => {
    const org = await newOrg();
    const admin = await join(org, "admin");
    await invite({ ...org, token: admin.token }, "third@example.com");
    await remove(admin.token);
    const records = await rows("SELECT * FROM audit_logs WHERE org_id = ? ORDER BY rowid", org.orgId);
    expect(records.map(({ action }) => action)).toEqual([
      "member.invited",
      "member.joined",
      "member.invited",
      "member.removed",
    ]);
    expect(JSON.stringify(records)).not.toContain(admin.user.email);
    expect(records.map(({ user_id }) => user_id)).not.toContain(admin.user.id);
    expect(JSON.parse(String(records[2]!["details"]))).toMatchObject({ email: "third@example.com" });
  });

  it("is refused to the only owner of an org with other members: CONFLICT, until there is another owner", async () => {
    const org = await newOrg();
    const member = await join(org, "member");
    await expect(remove(org.token)).rejects.toMatchObject({
      code: "CONFLICT",
      message: "You are the only owner of Acme. Make another member an owner first.",
    });
    await whoAmI(org.token);
    await env.DB.prepare("UPDATE org_members SET role = 'owner' WHERE user_id = ?").bind(member.user.id).run();
    await remove(org.token);
    await machinesOf({ ...org, token: member.token });
  });

  it("leaves one owner when the two owners of an org go at once", async () => {
    const org = await newOrg();
    const other = await join(org, "owner");
    await join(org, "member");
    const both = await Promise.allSettled([remove(org.token), remove(other.token)]);
    expect(both.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    expect(await rows("SELECT * FROM org_members WHERE org_id = ? AND role = 'owner'", org.orgId)).toHaveLength(1);
  });

  it("ends an org nobody else is in: its keys enrol nobody and its machines are refused", async () => {
    const org = await newOrg();
    const { key } = await makeKey(org);
    const machine = await enrol(key, "alone");
    await remove(org.token);
    expect(await rows("SELECT * FROM organizations WHERE id = ?", org.orgId)).toEqual([]);
    expect(await outcome(enrol(key, "late"))).toBe("INVALID_KEY");
    const beat = call(selfFetch, base, machineHeartbeat, { node_key: machine.node_key });
    expect(await outcome(beat)).toBe("INVALID_NODE_KEY");
  });

  it("is refused with a wrong password: INVALID_PASSWORD, without one, with one that is no text, and to nobody", async () => {
    const { token } = await signUpSomeone();
    expect(await outcome(remove(token, "wrong horse"))).toBe("INVALID_PASSWORD");
    const path = "/api/auth/delete-account";
    expect(await ask(path, {}, token)).toMatchObject({ status: 400, code: "MISSING_FIELDS" });
    expect(await ask(path, { password: 7 }, token)).toMatchObject({ status: 400, code: "INVALID_INPUT" });
    expect(await ask(path, { password }, undefined)).toMatchObject({ status: 401, code: "UNAUTHORIZED" });
    await whoAmI(token);
  });
});
