import { env } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { login, logout, me, refresh } from "#protocol/api/auth.ts";
import { call } from "#protocol/api/call.ts";
import { listSessions, revokeOtherSessions, revokeSession } from "#protocol/api/sessions.ts";
import { newOrg } from "../org/support.ts";
import { Inbox, upgrade } from "../org/inbox.ts";
import { base, post, selfFetch, signUpSomeone } from "../support/api.ts";

const password = "correct horse";

async function logIn(email: string, headers: Record<string, string> = {}) {
  const { envelope } = await post("/api/auth/login", { email, password }, headers);
  return envelope.data as Awaited<ReturnType<typeof signUpSomeone>>;
}

const list = (token: string) => call(selfFetch, base, listSessions, {}, { token });
const whoAmI = (token: string) => call(selfFetch, base, me, {}, { token });
const ended = { code: "UNAUTHORIZED", message: "Invalid or expired token", status: 401 };

describe("GET /api/auth/sessions", () => {
  it("lists where a person is logged in, from where and with what, and marks the one that asks", async () => {
    const first = await signUpSomeone();
    const headers = { "user-agent": "Lab/1.0", "cf-connecting-ip": "192.0.2.9" };
    const second = await logIn(first.user.email, headers);
    await signUpSomeone();
    const sessions = await list(second.token);
    expect(sessions).toMatchObject([
      { ip: "192.0.2.9", user_agent: "Lab/1.0", current: true },
      { ip: "unknown", user_agent: null, current: false },
    ]);
    expect((await list(first.token)).map(({ current }) => current)).toEqual([false, true]);
    expect(JSON.stringify(sessions)).not.toContain(second.refresh_token);
  });

  it("shows a renewed session as the same one, with its first time and its last", async () => {
    const { token, refresh_token, user } = await signUpSomeone();
    await env.DB.prepare("UPDATE refresh_tokens SET started_at = 1000, created_at = 1000 WHERE user_id = ?")
      .bind(user.id).run();
    const [before] = await list(token);
    const renewed = await call(selfFetch, base, refresh, { refresh_token });
    const after = await list(renewed.token);
    expect(after).toMatchObject([{ id: before!.id, created_at: "1970-01-01T00:00:01.000Z", current: true }]);
    expect(Math.abs(Date.parse(after[0]!.last_used_at) - Date.now())).toBeLessThan(60_000);
    // The access token of before the renewal is of the same session.
    expect(await list(token)).toEqual(after);
  });

  it("is refused to nobody with UNAUTHORIZED", async () => {
    await expect(call(selfFetch, base, listSessions, {})).rejects.toMatchObject({ code: "UNAUTHORIZED" });
  });
});

describe("POST /api/auth/sessions revoke", () => {
  it("ends another session: neither of its tokens is good any more", async () => {
    const first = await signUpSomeone();
    const second = await logIn(first.user.email);
    const other = (await list(first.token)).find(({ current }) => !current)!;
    expect(await call(selfFetch, base, revokeSession, { session_id: other.id }, { token: first.token })).toEqual({
      revoked: other.id,
    });
    await expect(whoAmI(second.token)).rejects.toMatchObject(ended);
    const again = call(selfFetch, base, refresh, { refresh_token: second.refresh_token });
    await expect(again).rejects.toMatchObject({ code: "INVALID_TOKEN" });
    await whoAmI(first.token);
    expect(await list(first.token)).toHaveLength(1);
  });

  it("answers NOT_FOUND for an unknown one and for somebody else's alike, and names what is missing or wrong", async () => {
    const [mine, theirs] = [await signUpSomeone(), await signUpSomeone()];
    const [entry] = await list(theirs.token);
    const ask = async (body: object, token = mine.token) => {
      const headers = { authorization: `Bearer ${token}` };
      const { status, envelope } = await post("/api/auth/sessions", { action: "revoke", ...body }, headers);
      return [status, envelope.error?.code];
    };
    expect(await ask({ session_id: entry!.id })).toEqual([404, "NOT_FOUND"]);
    expect(await ask({ session_id: crypto.randomUUID() })).toEqual([404, "NOT_FOUND"]);
    expect(await ask({})).toEqual([400, "MISSING_FIELDS"]);
    expect(await ask({ session_id: "x" })).toEqual([400, "INVALID_INPUT"]);
    expect(await ask({ session_id: entry!.id }, "nonsense")).toEqual([401, "UNAUTHORIZED"]);
    await whoAmI(theirs.token);
  });
});

describe("POST /api/auth/sessions revoke_others", () => {
  it("leaves the one that asks alone", async () => {
    const first = await signUpSomeone();
    const others = [await logIn(first.user.email), await logIn(first.user.email)];
    await call(selfFetch, base, refresh, { refresh_token: others[0]!.refresh_token });
    const { token } = first;
    expect(await call(selfFetch, base, revokeOtherSessions, {}, { token })).toEqual({ revoked: 2 });
    for (const other of others) await expect(whoAmI(other.token)).rejects.toMatchObject(ended);
    expect(await list(token)).toMatchObject([{ current: true }]);
    expect(await call(selfFetch, base, revokeOtherSessions, {}, { token })).toEqual({ revoked: 0 });
    await expect(call(selfFetch, base, revokeOtherSessions, {})).rejects.toMatchObject({ code: "UNAUTHORIZED" });
  });
});

describe("a live socket", () => {
  it("is closed when one of the person's sessions is ended, and may come back by another", async () => {
    const org = await newOrg();
    const { token, user } = await signUpSomeone();
    await env.DB.prepare("INSERT INTO org_members VALUES (?, ?, 'member', 0)").bind(org.orgId, user.id).run();
    const other = await logIn(user.email);
    const connect = (token: string) =>
      upgrade(`/api/realtime?org_id=${org.orgId}`, { "sec-websocket-protocol": `access_token.${token}` });
    const inbox = new Inbox((await connect(other.token)).webSocket!, String);
    await call(selfFetch, base, revokeOtherSessions, {}, { token });
    expect(await inbox.closed).toEqual({ code: 4001, reason: "session ended" });
    expect((await connect(other.token)).status).toBe(401);
    expect((await connect(token)).status).toBe(101);
  });
});

describe("an access token", () => {
  it("is worth nothing once its session was left by logout, on an org's paths and live channels too", async () => {
    const org = await newOrg();
    const { token, refresh_token, user } = await signUpSomeone();
    await env.DB.prepare("INSERT INTO org_members VALUES (?, ?, 'admin', 0)").bind(org.orgId, user.id).run();
    const asked = async () => {
      const headers = { authorization: `Bearer ${token}` };
      const path = `/api/realtime?org_id=${org.orgId}`;
      return [
        (await post("/api/org-management", { action: "list_invitations", org_id: org.orgId }, headers)).status,
        (await upgrade(path, { "sec-websocket-protocol": `access_token.${token}` })).status,
      ];
    };
    expect(await asked()).toEqual([200, 101]);
    await call(selfFetch, base, logout, { refresh_token });
    expect(await asked()).toEqual([401, 401]);
  });

  it("is worth nothing once its refresh token came back and ended the session", async () => {
    const { refresh_token } = await signUpSomeone();
    const { token } = await call(selfFetch, base, refresh, { refresh_token });
    await expect(call(selfFetch, base, refresh, { refresh_token })).rejects.toMatchObject({ code: "INVALID_TOKEN" });
    await expect(whoAmI(token)).rejects.toMatchObject(ended);
  });

  it("of another login stays good", async () => {
    const { user, refresh_token } = await signUpSomeone();
    const other = await call(selfFetch, base, login, { email: user.email, password });
    await call(selfFetch, base, logout, { refresh_token });
    await whoAmI(other.token);
  });
});
