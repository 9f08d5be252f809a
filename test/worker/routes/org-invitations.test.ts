import { createScheduledController, env, SELF } from "cloudflare:test";
import { describe, expect, inject, it } from "vitest";
import { call } from "#protocol/api/call.ts";
import { listInvitations, showInvitation } from "#protocol/api/invitations.ts";
import { userOrgs } from "#protocol/api/orgs.ts";
import worker from "../../../worker/index.ts";
import { newOrg } from "../org/support.ts";
import { base, endWindow, fetchWith, post, selfFetch, signUpSomeone } from "../support/api.ts";
import { accept, invite, join, manage, type Org } from "../support/members.ts";

const DAY_MS = 86_400_000;

async function audits(org: Org) {
  const { results } = await env.DB.prepare("SELECT * FROM audit_logs WHERE org_id = ? ORDER BY rowid").bind(org.orgId)
    .all<Record<string, string>>();
  return results;
}

const expire = (id: string) =>
  env.DB.prepare("UPDATE org_invitations SET expires_at = ? WHERE id = ?").bind(Date.now() - 1, id).run();

const list = (org: Org) => call(selfFetch, base, listInvitations, { org_id: org.orgId }, { token: org.token });

describe("POST /api/org-management invite_member", () => {
  it("answers with a token of 64 hex digits, its link at the address that was asked, and seven days", async () => {
    const org = await newOrg();
    const body = { action: "invite_member", org_id: org.orgId, email: " New@Example.com " };
    const { status, envelope } = await post("/api/org-management", body, { authorization: `Bearer ${org.token}` });
    const made = envelope.data as Awaited<ReturnType<typeof invite>>;
    expect(status).toBe(201);
    expect(made).toMatchObject({ email: "new@example.com", role: "member", email_sent: false });
    expect(made.token).toMatch(/^[0-9a-f]{64}$/);
    expect(made.link).toBe(`${base}/invite/${made.token}`);
    expect(Math.abs(Date.parse(made.expires_at) - Date.now() - 7 * DAY_MS)).toBeLessThan(60_000);
  });

  it("keeps the token's hash alone, and a record without it", async () => {
    const org = await newOrg();
    const { token, invitation_id } = await invite(org, "kept@example.com", "admin");
    const stored = await env.DB.prepare("SELECT * FROM org_invitations WHERE id = ?").bind(invitation_id).first();
    expect(stored).toMatchObject({ status: "pending", email: "kept@example.com", role: "admin" });
    const [record] = await audits(org);
    expect(record).toMatchObject({ action: "member.invited", resource_id: invitation_id, rev: 0 });
    expect(JSON.parse(record!["details"]!)).toEqual({ email: "kept@example.com", role: "admin" });
    expect(JSON.stringify([stored, record])).not.toContain(token);
  });

  it("refuses a second open invitation with DUPLICATE_INVITATION, also of two at once, and takes one again when it ran out", async () => {
    const org = await newOrg();
    const two = await Promise.allSettled([invite(org, "twice@example.com"), invite(org, "Twice@example.com")]);
    expect(two.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    expect(await manage(org, "invite_member", { email: "twice@example.com" })).toMatchObject({
      status: 409,
      code: "DUPLICATE_INVITATION",
    });
    expect(await audits(org)).toHaveLength(1);
    const [open] = await list(org);
    await expire(open!.id);
    await invite(org, "twice@example.com");
    expect(await list(org)).toHaveLength(1);
  });

  it("refuses whoever is a member with ALREADY_MEMBER", async () => {
    const org = await newOrg();
    const { user } = await join(org, "member");
    expect(await manage(org, "invite_member", { email: user.email.toUpperCase() })).toMatchObject({
      status: 409,
      code: "ALREADY_MEMBER",
    });
  });

  it("refuses with PLAN_LIMIT_REACHED when members and open invitations take all places, also of many at once", async () => {
    const org = await newOrg();
    const limited = fetchWith({ limits: { users_per_org: 3 } });
    const emails = Array.from({ length: 6 }, (_, i) => `limit${i}@example.com`);
    const all = await Promise.allSettled(emails.map((email) => invite(org, email, "member", limited)));
    expect(all.filter(({ status }) => status === "fulfilled")).toHaveLength(2);
    await expect(invite(org, "late@example.com", "member", limited)).rejects.toMatchObject({
      code: "PLAN_LIMIT_REACHED",
      status: 403,
      message: "User limit reached (3). Upgrade your plan.",
    });
    const [first] = await list(org);
    await manage(org, "revoke_invitation", { invitation_id: first!.id });
    await invite(org, "late@example.com", "member", limited);
  });

  it("is limited per org: RATE_LIMITED", async () => {
    const [org, other] = [await newOrg(), await newOrg()];
    const limited = fetchWith({ limits: { invitations_per_org: 1 } });
    await invite(org, "first@example.com", "member", limited);
    await expect(invite(org, "second@example.com", "member", limited)).rejects.toMatchObject({ code: "RATE_LIMITED" });
    await invite(other, "second@example.com", "member", limited);
    await endWindow("invitation_org", org.orgId);
    await invite(org, "second@example.com", "member", limited);
  });

  it("lets owners alone invite owners", async () => {
    const org = await newOrg();
    const admin = { ...org, token: (await join(org, "admin")).token };
    expect(await manage(admin, "invite_member", { email: "o@example.com", role: "owner" })).toMatchObject({
      status: 403,
      code: "FORBIDDEN",
      message: "Only owners can promote to owner role",
    });
    expect((await invite(admin, "a@example.com", "admin")).role).toBe("admin");
    expect((await invite(org, "o@example.com", "owner")).role).toBe("owner");
  });

  it.each([
    [{}, "MISSING_FIELDS", "email required"],
    [{ email: "nobody" }, "INVALID_INPUT", "email must be an e-mail address"],
    [{ email: 7 }, "INVALID_INPUT", "email must be a string"],
    [{ email: "x@example.com", role: "king" }, "INVALID_ROLE", "Role must be owner, admin, member or auditor"],
    [{ email: "x@example.com", role: 7 }, "INVALID_INPUT", "role must be a string"],
    [{ email: "x@example.com", org_id: undefined }, "MISSING_FIELDS", "org_id required"],
    [{ email: "x@example.com", org_id: "x" }, "INVALID_INPUT", "org_id must be a UUID"],
  ])("refuses %j with %s", async (more, code, message) => {
    expect(await manage(await newOrg(), "invite_member", more)).toMatchObject({ status: 400, code, message });
  });
});

describe("POST /api/org-management invite_member, list_invitations and revoke_invitation", () => {
  it("refuse members with FORBIDDEN, strangers with FORBIDDEN, nobody with UNAUTHORIZED", async () => {
    const org = await newOrg();
    const [member, stranger] = [await join(org, "member"), await signUpSomeone()];
    const asks: [string, object][] = [
      ["invite_member", { email: "x@example.com" }],
      ["list_invitations", {}],
      ["revoke_invitation", { invitation_id: crypto.randomUUID() }],
    ];
    for (const [action, more] of asks) {
      expect(await manage(org, action, more, member.token)).toMatchObject({ status: 403, message: "Admin required" });
      expect(await manage(org, action, more, stranger.token)).toMatchObject({ status: 403, message: "Not a member" });
      expect(await manage(org, action, more, "nonsense")).toMatchObject({ status: 401, code: "UNAUTHORIZED" });
      expect(await manage({ ...org, orgId: crypto.randomUUID() }, action, more)).toMatchObject({ code: "FORBIDDEN" });
    }
  });
});

describe("GET /api/db/org_invitations", () => {
  it("shows admins what list_invitations does, and members FORBIDDEN", async () => {
    const org = await newOrg();
    await invite(org, "listed@example.com");
    const read = async (token: string) => {
      const path = `${base}/api/db/org_invitations?org_id=${org.orgId}&status=eq.pending`;
      const response = await SELF.fetch(path, { headers: { authorization: `Bearer ${token}` } });
      return await response.json<{ data: unknown; error: { code: string } | null }>();
    };
    expect((await read(org.token)).data).toEqual(await list(org));
    expect((await read((await join(org, "member")).token)).error?.code).toBe("FORBIDDEN");
  });
});

describe("POST /api/org-management revoke_invitation", () => {
  it("makes its link worthless and puts it on record", async () => {
    const org = await newOrg();
    const person = await signUpSomeone();
    const { token, invitation_id } = await invite(org, person.user.email);
    expect((await manage(org, "revoke_invitation", { invitation_id })).data).toEqual({ revoked: invitation_id });
    await expect(accept(person.token, token)).rejects.toMatchObject({ code: "INVALID_INVITATION" });
    expect(await list(org)).toMatchObject([{ id: invitation_id, status: "revoked" }]);
    expect((await audits(org)).map(({ action }) => action)).toEqual(["member.invited", "member.invitation_revoked"]);
    expect(await manage(org, "revoke_invitation", { invitation_id })).toMatchObject({
      status: 400,
      code: "INVALID_STATE",
    });
  });

  it("answers NOT_FOUND for an unknown one and for another org's alike", async () => {
    const [org, other] = [await newOrg(), await newOrg()];
    const { invitation_id } = await invite(other, "theirs@example.com");
    for (const id of [invitation_id, crypto.randomUUID()]) {
      expect(await manage(org, "revoke_invitation", { invitation_id: id })).toMatchObject({
        status: 404,
        code: "NOT_FOUND",
      });
    }
    expect(await manage(org, "revoke_invitation")).toMatchObject({ status: 400, code: "MISSING_FIELDS" });
  });
});

describe("POST /api/invitation", () => {
  it("shows whoever has the token where it leads, and nothing for one that is not open: INVALID_INVITATION", async () => {
    const org = await newOrg();
    const { token, invitation_id, expires_at } = await invite(org, "shown@example.com", "auditor");
    const show = (token: string) => call(selfFetch, base, showInvitation, { token });
    expect(await show(token)).toEqual({ org_name: "Acme", email: "shown@example.com", role: "auditor", expires_at });
    await expect(show("0".repeat(64))).rejects.toMatchObject({ code: "INVALID_INVITATION", status: 404 });
    await expire(invitation_id);
    await expect(show(token)).rejects.toMatchObject({ code: "INVALID_INVITATION" });
  });
});

describe("POST /api/accept-invitation", () => {
  it("makes the person a member with the role of the invitation", async () => {
    const org = await newOrg();
    const person = await signUpSomeone();
    const { token, invitation_id } = await invite(org, person.user.email.toUpperCase(), "auditor");
    expect(await accept(person.token, token)).toMatchObject({
      org_id: org.orgId,
      role: "auditor",
      organization: { id: org.orgId, name: "Acme", role: "auditor" },
    });
    expect(await call(selfFetch, base, userOrgs, {}, { token: person.token })).toMatchObject([
      { id: org.orgId, role: "auditor" },
    ]);
    expect(await list(org)).toMatchObject([{ id: invitation_id, status: "accepted" }]);
    expect((await audits(org)).at(-1)).toMatchObject({ action: "member.joined", user_id: person.user.id });
  });

  it("takes a token once, also of many at once: INVALID_INVITATION", async () => {
    const org = await newOrg();
    const person = await signUpSomeone();
    const { token } = await invite(org, person.user.email);
    const all = await Promise.allSettled(Array.from({ length: 5 }, () => accept(person.token, token)));
    expect(all.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    await expect(accept(person.token, token)).rejects.toMatchObject({ code: "INVALID_INVITATION", status: 404 });
    expect((await audits(org)).filter(({ action }) => action === "member.joined")).toHaveLength(1);
  });

  it("refuses another person with EMAIL_MISMATCH and leaves the invitation open", async () => {
    const org = await newOrg();
    const [person, other] = [await signUpSomeone(), await signUpSomeone()];
    const { token } = await invite(org, person.user.email);
    await expect(accept(other.token, token)).rejects.toMatchObject({ code: "EMAIL_MISMATCH", status: 403 });
    await accept(person.token, token);
  });

  it("refuses one that has run out or was never made with INVALID_INVITATION, a bad body and nobody", async () => {
    const org = await newOrg();
    const person = await signUpSomeone();
    const { token, invitation_id } = await invite(org, person.user.email);
    await expire(invitation_id);
    for (const each of [token, "0".repeat(64), "", "x"]) {
      await expect(accept(person.token, each)).rejects.toMatchObject({ code: "INVALID_INVITATION" });
    }
    const authorization = `Bearer ${person.token}`;
    const ask = async (body: object, headers: Record<string, string> = { authorization }) =>
      (await post("/api/accept-invitation", body, headers)).envelope.error?.code;
    expect(await ask({})).toBe("MISSING_FIELDS");
    expect(await ask({ token: 7 })).toBe("INVALID_INPUT");
    expect(await ask({ token }, {})).toBe("UNAUTHORIZED");
  });

  it("refuses who has become a member in another way with ALREADY_MEMBER", async () => {
    const org = await newOrg();
    const person = await signUpSomeone();
    const { token } = await invite(org, person.user.email);
    await env.DB.prepare("INSERT INTO org_members VALUES (?, ?, 'member', 0)").bind(org.orgId, person.user.id).run();
    await expect(accept(person.token, token)).rejects.toMatchObject({ code: "ALREADY_MEMBER", status: 409 });
  });

  it("leaves nothing of invitations that ran out after the nightly sweep", async () => {
    const org = await newOrg();
    await expire((await invite(org, "gone@example.com")).invitation_id);
    await invite(org, "here@example.com");
    await worker.scheduled(createScheduledController(), env as Env);
    expect(await list(org)).toMatchObject([{ email: "here@example.com" }]);
  });
});

describe("the mail of an invitation", () => {
  const mailing = (box: string, more: Record<string, string> = {}, timings: Record<string, number> = {}) =>
    fetchWith({
      bindings: { ZTNA_MAIL_URL: `${inject("mailServer")}/${box}`, ZTNA_MAIL_FROM: "noreply@ztna.test", ...more },
      timings,
    });
  const received = async (box: string) =>
    await (await fetch(`${inject("mailServer")}/${box}`)).json<{ authorization: string | null; body: object }[]>();

  it("goes to the provider with its token, and says so", async () => {
    const org = await newOrg();
    const fetch = mailing("invited", { ZTNA_MAIL_TOKEN: "mail secret" });
    const { link, email_sent } = await invite(org, "mailed@example.com", "admin", fetch);
    expect(email_sent).toBe(true);
    expect(await received("invited")).toEqual([{
      authorization: "Bearer mail secret",
      body: {
        from: "noreply@ztna.test",
        to: ["mailed@example.com"],
        subject: "Join Acme on QuickZTNA",
        text: expect.stringContaining(`\n${link}\n`),
      },
    }]);
  });

  it("that the provider refuses, or never answers, fails no invitation", async () => {
    const org = await newOrg();
    for (const box of ["broken", "silent"]) {
      const fetch = mailing(box, {}, { mail_timeout_s: 0.2 });
      expect(await invite(org, `${box}@example.com`, "member", fetch)).toMatchObject({ email_sent: false });
    }
    expect(await list(org)).toHaveLength(2);
  });
});
