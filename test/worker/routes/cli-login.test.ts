import { createHash, randomBytes } from "node:crypto";
import { env } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { me, refresh } from "#protocol/api/auth.ts";
import { call } from "#protocol/api/call.ts";
import { authorizeCliLogin, completeCliLogin } from "#protocol/api/cli-login.ts";
import { newOrg, outcome, setUp } from "../org/support.ts";
import { base, fetchWith, foundOrg, post, selfFetch, signUpSomeone } from "../support/api.ts";

/** What a CLI makes up: the secret half stays with it. */
function newVerifier() {
  const verifier = randomBytes(32).toString("base64url");
  return { verifier, challenge: createHash("sha256").update(verifier).digest("base64url") };
}

async function authorized() {
  const person = await signUpSomeone();
  const { verifier, challenge } = newVerifier();
  const { token } = person;
  const { code } = await call(selfFetch, base, authorizeCliLogin, { code_challenge: challenge }, { token });
  return { person, code, verifier };
}

const complete = (code: string, code_verifier: string) =>
  call(selfFetch, base, completeCliLogin, { code, code_verifier });

describe("POST /api/auth cli_complete", () => {
  it("trades the code of the browser for a session of its own", async () => {
    const { person, code, verifier } = await authorized();
    const session = await complete(code, verifier);
    expect(session).toMatchObject({ expires_in: 3600, user: person.user });
    expect(session.refresh_token).not.toBe(person.refresh_token);
    expect(await call(selfFetch, base, me, {}, { token: session.token })).toMatchObject({ id: person.user.id });
    // Each of the two sessions goes on without the other.
    await call(selfFetch, base, refresh, { refresh_token: session.refresh_token });
    await call(selfFetch, base, refresh, { refresh_token: person.refresh_token });
  });

  it("puts the login on record in the person's orgs", async () => {
    const { session, orgId } = await foundOrg();
    const { verifier, challenge } = newVerifier();
    const { code } = await call(selfFetch, base, authorizeCliLogin, { code_challenge: challenge }, session);
    await complete(code, verifier);
    const records = await env.DB.prepare("SELECT details FROM audit_logs WHERE org_id = ? AND action = 'auth.login'")
      .bind(orgId).all<{ details: string }>();
    expect(records.results.map(({ details }) => JSON.parse(details))).toEqual([{ method: "cli", ip: "unknown" }]);
  });

  it("refuses a code that was used with INVALID_CODE, also when many come at once", async () => {
    const { code, verifier } = await authorized();
    const outcomes = await Promise.all(Array.from({ length: 5 }, () => outcome(complete(code, verifier))));
    expect(outcomes.sort()).toEqual(["INVALID_CODE", "INVALID_CODE", "INVALID_CODE", "INVALID_CODE", "ok"]);
  });

  it("refuses a stolen code with INVALID_CODE, and then the code is worth nothing", async () => {
    const { code, verifier } = await authorized();
    expect(await outcome(complete(code, newVerifier().verifier))).toBe("INVALID_CODE");
    expect(await outcome(complete(code, verifier))).toBe("INVALID_CODE");
  });

  it("refuses a code that has run out and one made up with INVALID_CODE", async () => {
    const { code, verifier } = await authorized();
    await env.DB.exec("UPDATE cli_logins SET expires_at = 1");
    const { status, envelope } = await post("/api/auth", { action: "cli_complete", code, code_verifier: verifier });
    expect([status, envelope.error]).toEqual([401, { code: "INVALID_CODE", message: "Invalid or expired code" }]);
    expect(await outcome(complete("made up", verifier))).toBe("INVALID_CODE");
  });

  it("keeps only a hash of the code", async () => {
    const { code } = await authorized();
    expect(JSON.stringify((await env.DB.prepare("SELECT * FROM cli_logins").all()).results)).not.toContain(code);
  });

  it("refuses missing fields with MISSING_FIELDS and an unknown action with UNKNOWN_ACTION", async () => {
    const codeOf = async (body: object) => (await post("/api/auth", body)).envelope.error?.code;
    expect(await codeOf({ action: "cli_complete", code: "x" })).toBe("MISSING_FIELDS");
    expect(await codeOf({ action: "cli_complete", code: 7, code_verifier: "x" })).toBe("INVALID_INPUT");
    expect(await codeOf({})).toBe("MISSING_FIELDS");
    expect(await codeOf({ action: "cli_guess" })).toBe("UNKNOWN_ACTION");
  });

  it("refuses too many from one address with RATE_LIMITED", async () => {
    const limited = fetchWith({ limits: { login_per_ip: 1 } });
    const input = { code: "x", code_verifier: "x" };
    expect(await outcome(call(limited, base, completeCliLogin, input))).toBe("INVALID_CODE");
    expect(await outcome(call(limited, base, completeCliLogin, input))).toBe("RATE_LIMITED");
  });
});

describe("POST /api/auth cli_authorize", () => {
  it("refuses who is not signed in with UNAUTHORIZED", async () => {
    const body = { action: "cli_authorize", code_challenge: newVerifier().challenge };
    expect(await post("/api/auth", body)).toMatchObject({ status: 401, envelope: { error: { code: "UNAUTHORIZED" } } });
  });

  it("refuses a machine's token with FORBIDDEN", async () => {
    const org = await newOrg();
    const { token } = await setUp(org, org.token, "laptop");
    const ask = call(selfFetch, base, authorizeCliLogin, { code_challenge: newVerifier().challenge }, { token });
    expect(await outcome(ask)).toBe("FORBIDDEN");
  });

  it("refuses a challenge that is none with INVALID_INPUT, a missing one with MISSING_FIELDS", async () => {
    const { token } = await signUpSomeone();
    const codeOf = async (code_challenge: unknown) => {
      const body = { action: "cli_authorize", code_challenge };
      return (await post("/api/auth", body, { authorization: `Bearer ${token}` })).envelope.error?.code;
    };
    expect(await codeOf("short")).toBe("INVALID_INPUT");
    expect(await codeOf(7)).toBe("INVALID_INPUT");
    expect(await codeOf(undefined)).toBe("MISSING_FIELDS");
  });

  it("refuses too many of one person with RATE_LIMITED", async () => {
    const { token } = await signUpSomeone();
    const limited = fetchWith({ limits: { cli_login_per_user: 1 } });
    const ask = () =>
      outcome(call(limited, base, authorizeCliLogin, { code_challenge: newVerifier().challenge }, { token }));
    expect([await ask(), await ask()]).toEqual(["ok", "RATE_LIMITED"]);
  });
});
