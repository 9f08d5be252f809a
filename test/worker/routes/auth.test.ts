import { createScheduledController, env, SELF } from "cloudflare:test";
import { decodeJwt, decodeProtectedHeader } from "jose";
import { describe, expect, it } from "vitest";
import { login, logout, me, refresh, signup } from "#protocol/api/auth.ts";
import { call } from "#protocol/api/call.ts";
import { limitsSchema, parseSettings } from "#protocol/limits.ts";
import worker from "../../../worker/index.ts";
import { base, endWindow, fetchWith, post, type ReceivedEnvelope, selfFetch, signUpSomeone } from "../support/api.ts";

const password = "correct horse";

describe("POST /api/auth/signup", () => {
  it("opens a session whose token is an ES256 JWT of the contract", async () => {
    const session = await call(selfFetch, base, signup, { email: "  Ada@Example.com ", password, full_name: "Ada" });
    expect(session).toMatchObject({ expires_in: 3600, user: { email: "ada@example.com" } });
    expect(session.access_token).toBe(session.token);
    expect(decodeProtectedHeader(session.token)).toMatchObject({ alg: "ES256" });
    const claims = decodeJwt(session.token);
    expect(claims).toMatchObject({
      sub: session.user.id,
      email: "ada@example.com",
      iss: "quickztna",
      aud: "quickztna-api",
    });
    expect(claims.exp! - claims.iat!).toBe(3600);
    expect(await call(selfFetch, base, me, {}, { token: session.token })).toEqual({
      id: session.user.id,
      email: "ada@example.com",
      full_name: "Ada",
      avatar_url: null,
    });
  });

  it("refuses an e-mail that is taken, whatever its case", async () => {
    const { user } = await signUpSomeone();
    const again = call(selfFetch, base, signup, { email: user.email.toUpperCase(), password });
    await expect(again).rejects.toMatchObject({ code: "CONFLICT", message: "Email already in use", status: 409 });
  });

  it("lets one of many at once have the e-mail", async () => {
    const all = await Promise.allSettled(
      Array.from({ length: 5 }, () => call(selfFetch, base, signup, { email: "race@example.com", password })),
    );
    expect(all.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  });

  it.each([
    [{}, "MISSING_FIELDS", "email, password required"],
    [{ email: "x@example.com" }, "MISSING_FIELDS", "password required"],
    [{ email: "x@example.com", password: "short" }, "INVALID_INPUT", "password must be at least 8 characters"],
    [{ email: "no address", password }, "INVALID_INPUT", "email must be an e-mail address"],
    [{ email: 7, password }, "INVALID_INPUT", "email must be a string"],
    [{ email: "x@example.com", password: ["x"] }, "INVALID_INPUT", "password must be a string"],
  ])("with %j is refused", async (body, code, message) => {
    const { status, envelope } = await post("/api/auth/signup", body);
    expect([status, envelope]).toEqual([400, { success: false, data: null, error: { code, message } }]);
  });

  it("stores the password with the parameters of its hash, and no refresh token as it is", async () => {
    const { scrypt_log2_n } = parseSettings("ZTNA_LIMITS", limitsSchema, undefined);
    const dear = fetchWith({ limits: { scrypt_log2_n } });
    const session = await call(dear, base, signup, { email: "dear@example.com", password });
    const user = await env.DB.prepare("SELECT * FROM users WHERE id = ?").bind(session.user.id).first();
    expect(user?.["password_hash"]).toMatch(/^scrypt\$16384\$16\$1\$[0-9a-f]{32}\$[0-9a-f]{64}$/);
    const dump = JSON.stringify((await env.DB.prepare("SELECT * FROM refresh_tokens").all()).results);
    expect(dump).not.toContain(session.refresh_token);
  });

  it("lets in with a hash of other parameters than are set now", async () => {
    const cheap = fetchWith({ limits: { scrypt_log2_n: 10 } });
    const dearer = fetchWith({ limits: { scrypt_log2_n: 11 } });
    await call(cheap, base, signup, { email: "early@example.com", password });
    expect(await call(dearer, base, login, { email: "early@example.com", password })).toMatchObject({
      expires_in: 3600,
    });
    const wrong = call(dearer, base, login, { email: "early@example.com", password: "wrong horse" });
    await expect(wrong).rejects.toMatchObject({ code: "INVALID_CREDENTIALS" });
  });

  it("is limited per address", async () => {
    const limited = fetchWith({ limits: { signup_per_ip: 2 } });
    const from = (ip: string, email: string) =>
      limited(`${base}/api/auth/signup`, {
        method: "POST",
        headers: { "cf-connecting-ip": ip },
        body: JSON.stringify({ email, password }),
      });
    expect((await from("192.0.2.1", "l1@example.com")).status).toBe(201);
    expect((await from("192.0.2.1", "l2@example.com")).status).toBe(201);
    const refused = await from("192.0.2.1", "l3@example.com");
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(200);
    expect((await from("192.0.2.2", "l3@example.com")).status).toBe(201);
  });
});

describe("POST /api/auth/login", () => {
  it("opens a session with the right password", async () => {
    const { user } = await signUpSomeone();
    const session = await call(selfFetch, base, login, { email: user.email, password });
    expect(session.user).toEqual(user);
  });

  it("answers a wrong password and an unknown e-mail alike, with INVALID_CREDENTIALS", async () => {
    const { user } = await signUpSomeone();
    const answers = [];
    for (const email of [user.email, "nobody@example.com"]) {
      const { status, envelope } = await post("/api/auth/login", { email, password: "wrong horse" });
      answers.push([status, envelope]);
    }
    expect(answers[0]).toEqual([401, {
      success: false,
      data: null,
      error: { code: "INVALID_CREDENTIALS", message: "Invalid email or password" },
    }]);
    expect(answers[1]).toEqual(answers[0]);
  });

  it("locks the account with ACCOUNT_LOCKED after ten failures, also for the right password, until the lock is over", async () => {
    const { user } = await signUpSomeone();
    const ask = (password: string) => call(selfFetch, base, login, { email: user.email, password });
    const fail = () => expect(ask("wrong horse")).rejects.toMatchObject({ code: "INVALID_CREDENTIALS" });
    for (let i = 0; i < 9; i++) await fail();
    await ask(password);
    for (let i = 0; i < 10; i++) await fail();
    await expect(ask(password)).rejects.toMatchObject({ code: "ACCOUNT_LOCKED", status: 403 });
    await env.DB.prepare("UPDATE users SET locked_until = locked_until - 900000 WHERE id = ?").bind(user.id).run();
    await ask(password);
  });

  it("is limited per e-mail by RATE_LIMITED, and free again in the next window", async () => {
    const { user } = await signUpSomeone();
    const limited = fetchWith({ limits: { login_per_email: 2, login_per_ip: 0 } });
    const ask = () => call(limited, base, login, { email: user.email, password });
    await ask();
    await ask();
    await expect(ask()).rejects.toMatchObject({ code: "RATE_LIMITED", status: 429 });
    await endWindow("login_email", user.email);
    await ask();
  });

  it("is limited per address", async () => {
    const { user } = await signUpSomeone();
    const limited = fetchWith({ limits: { login_per_ip: 1, login_per_email: 0 } });
    const from = async (ip: string) =>
      await limited(`${base}/api/auth/login`, {
        method: "POST",
        headers: { "cf-connecting-ip": ip },
        body: JSON.stringify({ email: user.email, password }),
      });
    expect((await from("192.0.2.3")).status).toBe(200);
    const refused = await from("192.0.2.3");
    expect([refused.status, (await refused.json<ReceivedEnvelope>()).error?.code]).toEqual([429, "RATE_LIMITED"]);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(200);
    expect((await from("192.0.2.4")).status).toBe(200);
  });
});

describe("POST /api/auth/refresh and POST /api/auth/logout: a refresh token", () => {
  it("is good once, and its return ends the session of whoever holds its successor", async () => {
    const first = await signUpSomeone();
    const second = await call(selfFetch, base, refresh, { refresh_token: first.refresh_token });
    expect(second.refresh_token).not.toBe(first.refresh_token);
    await expectDead(first.refresh_token);
    await expectDead(second.refresh_token);
  });

  it("of another login survives that", async () => {
    const { user, refresh_token } = await signUpSomeone();
    const other = await call(selfFetch, base, login, { email: user.email, password });
    await call(selfFetch, base, refresh, { refresh_token });
    await expectDead(refresh_token);
    await call(selfFetch, base, refresh, { refresh_token: other.refresh_token });
  });

  it("redeemed many times at once opens one session at most", async () => {
    const { refresh_token } = await signUpSomeone();
    const all = await Promise.allSettled(
      Array.from({ length: 8 }, () => call(selfFetch, base, refresh, { refresh_token })),
    );
    expect(all.filter(({ status }) => status === "fulfilled").length).toBeLessThanOrEqual(1);
  });

  it("is dead after logout, and logging out twice is no error", async () => {
    const { refresh_token } = await signUpSomeone();
    expect(await call(selfFetch, base, logout, { refresh_token })).toEqual({ logged_out: true });
    await call(selfFetch, base, logout, { refresh_token });
    await expectDead(refresh_token);
  });

  it("is refused with MISSING_TOKEN when missing, with INVALID_TOKEN when expired or made up", async () => {
    await expect(call(selfFetch, base, refresh, {})).rejects.toMatchObject({ code: "MISSING_TOKEN", status: 400 });
    await expectDead("0".repeat(64));
    const brief = fetchWith({ timings: { refresh_token_s: 0 }, limits: { login_per_ip: 0 } });
    const { user } = await signUpSomeone();
    await expectDead((await call(brief, base, login, { email: user.email, password })).refresh_token);
  });

  it("is swept away by cron once it has expired", async () => {
    const brief = fetchWith({ timings: { refresh_token_s: 0 }, limits: { login_per_ip: 0 } });
    const { user, refresh_token } = await signUpSomeone();
    await call(brief, base, login, { email: user.email, password });
    const count = async () =>
      (await env.DB.prepare("SELECT count(*) AS n FROM refresh_tokens WHERE user_id = ?").bind(user.id).first())?.["n"];
    expect(await count()).toBe(2);
    await new Promise((resolve) => setTimeout(resolve, 5));
    await worker.scheduled(createScheduledController(), env as Env);
    expect(await count()).toBe(1);
    await call(selfFetch, base, refresh, { refresh_token });
  });
});

async function expectDead(refresh_token: string): Promise<void> {
  await expect(call(selfFetch, base, refresh, { refresh_token })).rejects.toMatchObject({
    code: "INVALID_TOKEN",
    status: 401,
    message: "Invalid or expired refresh token",
  });
}

describe("the refresh cookie", () => {
  const cookieOf = (response: Response) => response.headers.get("set-cookie")!.split(";")[0]!;

  async function openByBrowser() {
    const { user } = await signUpSomeone();
    const { response } = await post("/api/auth/login", { email: user.email, password });
    return { cookie: cookieOf(response), attributes: response.headers.get("set-cookie")! };
  }

  it("is out of reach of scripts and other sites", async () => {
    const { attributes } = await openByBrowser();
    expect(attributes).toMatch(/^__Host-refresh_token=[0-9a-f]{64}; /);
    for (const each of ["HttpOnly", "Secure", "SameSite=Strict", "Path=/", "Max-Age=2592000"]) {
      expect(attributes).toContain(each);
    }
    expect(attributes).not.toContain("Domain");
  });

  it("rotates and never shows its successor in the body", async () => {
    const { cookie } = await openByBrowser();
    const { response, envelope } = await post("/api/auth/refresh", {}, { cookie, origin: base });
    expect(envelope.data).toMatchObject({ refresh_token: "" });
    expect(cookieOf(response)).not.toBe(cookie);
    expect((await post("/api/auth/refresh", {}, { cookie: cookieOf(response) })).status).toBe(200);
    expect((await post("/api/auth/refresh", {}, { cookie })).status).toBe(401);
  });

  it("is refused to pages of another origin", async () => {
    const { cookie } = await openByBrowser();
    for (const origin of ["https://evil.test", "null", "http://ztna.test", "https://ztna.test.evil.test"]) {
      for (const path of ["/api/auth/refresh", "/api/auth/logout"]) {
        const { status, envelope } = await post(path, {}, { cookie, origin });
        expect([status, envelope.error?.code]).toEqual([403, "FORBIDDEN"]);
      }
    }
    expect((await post("/api/auth/refresh", {}, { cookie, origin: base })).status).toBe(200);
  });

  it("is removed by logout", async () => {
    const { cookie } = await openByBrowser();
    const { response } = await post("/api/auth/logout", {}, { cookie, origin: base });
    expect(response.headers.get("set-cookie")).toMatch(/__Host-refresh_token=; .*Max-Age=0/);
    expect((await post("/api/auth/refresh", {}, { cookie })).status).toBe(401);
  });
});

describe("GET /api/auth/me: an access token", () => {
  const ask = async (authorization?: string) => {
    const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
    const response = await SELF.fetch(`${base}/api/auth/me`, { headers });
    return [response.status, (await response.json<{ error: unknown }>()).error];
  };

  it("is asked for with UNAUTHORIZED when there is none", async () => {
    expect(await ask()).toEqual([401, { code: "UNAUTHORIZED", message: "Authentication required" }]);
  });

  it("is refused when changed, expired, unsigned or not a token", async () => {
    const { token, user } = await signUpSomeone();
    const brief = fetchWith({ timings: { access_token_s: 0 }, limits: { login_per_ip: 0 } });
    const expired = await call(brief, base, login, { email: user.email, password });
    const [header, payload, signature] = token.split(".") as [string, string, string];
    const none = `${btoa('{"alg":"none"}').replaceAll("=", "")}.${payload}.`;
    const other = btoa(JSON.stringify({ ...decodeJwt(token), sub: "someone else" })).replaceAll("=", "");
    for (
      const each of [expired.token, none, `${header}.${other}.${signature}`, "garbage", `${header}.${payload}.AAAA`]
    ) {
      expect(await ask(`Bearer ${each}`)).toEqual([401, { code: "UNAUTHORIZED", message: "Invalid or expired token" }]);
    }
    expect(await ask(`Basic ${token}`)).toEqual([401, { code: "UNAUTHORIZED", message: "Invalid or expired token" }]);
    expect((await ask(`Bearer ${token}`))[0]).toBe(200);
  });
});
