import { env } from "cloudflare:test";
import { beforeEach, describe, expect, inject, it } from "vitest";
import { login, me, refresh } from "#protocol/api/auth.ts";
import { call, type Fetch } from "#protocol/api/call.ts";
import {
  completeGitHub,
  completeGoogle,
  completeOidc,
  initiateGitHub,
  initiateGoogle,
  initiateOidc,
  listProviders,
} from "#protocol/api/oauth.ts";
import { createOrg } from "#protocol/api/orgs.ts";
import { parseLoginProviders } from "../../../worker/auth/login-providers.ts";
import { client, type ProviderPerson, providerSettings } from "../../support/sign-in-provider.ts";
import { outcome } from "../org/support.ts";
import { base, fetchWith, type ReceivedEnvelope, selfFetch, signUpSomeone } from "../support/api.ts";

let people = 0;

/** Somebody the provider knows and we do not. */
function newPerson(more: Partial<ProviderPerson> = {}): ProviderPerson {
  people += 1;
  const sub = String(1000 + people);
  return { sub, email: `Visitor${people}@Example.com`, email_verified: true, name: "Ada Lovelace", ...more };
}

interface Settings {
  readonly limits?: Record<string, number>;
  readonly providers?: string;
}

/** A browser that keeps cookies, at the app with providers. */
class Browser {
  readonly fetch: Fetch;
  #cookie = "";

  constructor({ limits = {}, providers = providerSettings(inject("signInProvider")) }: Settings = {}) {
    const limitless = { oauth_per_ip: 0, login_per_ip: 0, ...limits };
    const app = fetchWith({ limits: limitless, bindings: { ZTNA_LOGIN_PROVIDERS: providers } });
    this.fetch = async (url, init) => {
      const headers = new Headers(init.headers);
      if (this.#cookie !== "") headers.set("cookie", this.#cookie);
      const response = await app(url, { ...init, headers });
      const [pair] = response.headers.getSetCookie().map((text) => text.split(";")[0]!);
      if (pair !== undefined) this.#cookie = [...this.#cookie.split("; ").filter(Boolean), pair].join("; ");
      return response;
    };
  }

  get cookie(): string {
    return this.#cookie;
  }

  start(door: "github" | "google" | "acme", next?: string): Promise<{ redirect_url: string }> {
    const input = next === undefined ? {} : { next };
    if (door === "github") return call(this.fetch, base, initiateGitHub, input);
    if (door === "google") return call(this.fetch, base, initiateGoogle, input);
    return call(this.fetch, base, initiateOidc, { ...input, provider: door });
  }

  /** Follows the provider's page as this person; answers where it sends the browser. */
  async visit(redirectUrl: string, person: ProviderPerson): Promise<URL> {
    const page = await fetch(`${redirectUrl}&person=${encodeURIComponent(JSON.stringify(person))}`, {
      redirect: "manual",
    });
    return new URL(page.headers.get("location")!);
  }

  async signIn(door: "github" | "google" | "acme", person: ProviderPerson, next?: string): Promise<Response> {
    const back = await this.visit((await this.start(door, next)).redirect_url, person);
    return await this.fetch(back.href, { headers: { accept: "text/html" }, redirect: "manual" });
  }
}

const where = (response: Response) => new URL(response.headers.get("location")!, base);

describe("GET /api/auth/providers", () => {
  it("lists what is set up, by id and name and nothing else", async () => {
    expect(await call(new Browser().fetch, base, listProviders, {})).toEqual([
      { id: "github", name: "GitHub" },
      { id: "google", name: "Google" },
      { id: "acme", name: "Acme SSO" },
    ]);
    expect(await call(selfFetch, base, listProviders, {})).toEqual([]);
  });
});

describe.each(["github", "google", "acme"] as const)("signing in with %s in the browser", (door) => {
  it("makes a new person on the first visit and knows them on the second, under another address too", async () => {
    const person = newPerson();
    const first = new Browser();
    const response = await first.signIn(door, person, "/settings/general?x=1");
    expect(response.status).toBe(302);
    expect(where(response).pathname + where(response).search).toBe(
      `/auth?${new URLSearchParams({ resume: "true", next: "/settings/general?x=1" })}`,
    );
    const session = await call(first.fetch, base, refresh, {});
    expect(session).toMatchObject({ refresh_token: "", user: { email: person.email!.toLowerCase() } });
    expect(await call(selfFetch, base, me, {}, { token: session.token })).toMatchObject({ full_name: "Ada Lovelace" });
    const second = new Browser();
    await second.signIn(door, { ...person, email: "moved@example.com" });
    expect((await call(second.fetch, base, refresh, {})).user).toEqual(session.user);
  });

  it("puts later logins on record in the person's orgs", async () => {
    const person = newPerson();
    const browser = new Browser();
    await browser.signIn(door, person);
    const { token } = await call(browser.fetch, base, refresh, {});
    const org = await call(selfFetch, base, createOrg, { name: "Acme" }, { token });
    await new Browser().signIn(door, person);
    const records = await env.DB.prepare("SELECT details FROM audit_logs WHERE org_id = ? AND action = 'auth.login'")
      .bind(org.id).all<{ details: string }>();
    expect(records.results.map(({ details }) => JSON.parse(details))).toEqual([{
      method: door,
      ip: expect.stringMatching(/^2001:db8::/),
    }]);
  });

  it("refuses an address the provider has not verified, and makes nobody", async () => {
    const person = newPerson({ email_verified: false });
    const browser = new Browser();
    const response = await browser.signIn(door, person);
    expect(where(response).searchParams.get("problem")).toBe("EMAIL_NOT_VERIFIED");
    const email = person.email!.toLowerCase();
    expect(await env.DB.prepare("SELECT id FROM users WHERE email = ?").bind(email).first()).toBeNull();
    expect(browser.cookie).not.toContain("refresh_token");
  });
});

describe("signing in with a provider whose address has an account with a password", () => {
  it("gives the account to who has shown that the address is theirs, and ends the password and its sessions", async () => {
    const { user, refresh_token } = await signUpSomeone();
    const browser = new Browser();
    await browser.signIn("google", newPerson({ email: user.email.toUpperCase() }));
    expect((await call(browser.fetch, base, refresh, {})).user).toEqual(user);
    expect(await outcome(call(selfFetch, base, refresh, { refresh_token }))).toBe("INVALID_TOKEN");
    const withPassword = call(selfFetch, base, login, { email: user.email, password: "correct horse" });
    expect(await outcome(withPassword)).toBe("INVALID_CREDENTIALS");
  });

  it("leaves the account alone when the provider has not verified the address", async () => {
    const { user, refresh_token } = await signUpSomeone();
    const response = await new Browser().signIn("github", newPerson({ email: user.email, email_verified: false }));
    expect(where(response).searchParams.get("problem")).toBe("EMAIL_NOT_VERIFIED");
    expect(await outcome(call(selfFetch, base, refresh, { refresh_token }))).toBe("ok");
  });

  it("joins a second provider to the same person, whose sessions go on", async () => {
    const person = newPerson();
    const [first, second] = [new Browser(), new Browser()];
    await first.signIn("google", person);
    await second.signIn("github", { ...newPerson(), email: person.email! });
    const { user } = await call(first.fetch, base, refresh, {});
    expect((await call(second.fetch, base, refresh, {})).user).toEqual(user);
  });
});

describe("the state of a sign-in", () => {
  const callbacks = { github: completeGitHub, google: completeGoogle, acme: completeOidc };

  it.each(["github", "google", "acme"] as const)(
    "lets a program complete %s with POST … callback once",
    async (door) => {
      const browser = new Browser();
      const back = await browser.visit((await browser.start(door)).redirect_url, newPerson());
      const input = { code: back.searchParams.get("code")!, state: back.searchParams.get("state")! };
      // A program keeps no cookies.
      const program = new Browser();
      const session = await call(program.fetch, base, callbacks[door], input);
      expect(session).toMatchObject({ expires_in: 3600, user: { email: expect.stringContaining("visitor") } });
      expect(await outcome(call(program.fetch, base, callbacks[door], input))).toBe("INVALID_STATE");
    },
  );

  it("that is forged is refused with INVALID_STATE in the contract's words, wherever it comes", async () => {
    const refusal = { code: "INVALID_STATE", message: "Invalid or expired state parameter" };
    const { fetch } = new Browser();
    for (
      const path of [
        "/api/auth/github/callback",
        "/api/auth/google",
        "/api/auth/google/callback",
        "/api/auth/oidc/callback",
      ]
    ) {
      const response = await fetch(`${base}${path}?code=x&state=forged`, {});
      expect([response.status, (await response.json<ReceivedEnvelope>()).error]).toEqual([400, refusal]);
    }
    for (const path of ["/api/auth/github", "/api/auth/google", "/api/auth/oidc"]) {
      const body = JSON.stringify({ action: "callback", code: "x", state: "forged" });
      const response = await fetch(base + path, { method: "POST", body });
      expect([response.status, (await response.json<ReceivedEnvelope>()).error]).toEqual([400, refusal]);
    }
  });

  it("is refused with INVALID_STATE in another browser than the one that set out", async () => {
    const [attacker, victim] = [new Browser(), new Browser()];
    const back = await attacker.visit((await attacker.start("google")).redirect_url, newPerson());
    await victim.start("google");
    for (const visitor of [victim, new Browser()]) {
      const response = await visitor.fetch(back.href, { headers: { accept: "text/html" }, redirect: "manual" });
      expect(where(response).searchParams.get("problem")).toBe("INVALID_STATE");
      expect(visitor.cookie).not.toContain("refresh_token");
    }
  });

  it("is refused with INVALID_STATE at the door of another provider and when it has run out", async () => {
    const browser = new Browser();
    const from = async () => {
      const back = await browser.visit((await browser.start("google")).redirect_url, newPerson());
      return { code: back.searchParams.get("code")!, state: back.searchParams.get("state")! };
    };
    expect(await outcome(call(browser.fetch, base, completeOidc, await from()))).toBe("INVALID_STATE");
    const late = await from();
    await env.DB.exec("UPDATE oauth_states SET expires_at = 1");
    expect(await outcome(call(browser.fetch, base, completeGoogle, late))).toBe("INVALID_STATE");
  });

  it("is kept as a hash, without nonce and verifier", async () => {
    const browser = new Browser();
    const url = new URL((await browser.start("google")).redirect_url);
    const dump = JSON.stringify((await env.DB.prepare("SELECT * FROM oauth_states").all()).results);
    for (const name of ["state", "nonce"]) expect(dump).not.toContain(url.searchParams.get(name)!);
  });

  it("is refused with FORBIDDEN from another site's page", async () => {
    const body = JSON.stringify({ action: "callback", code: "x", state: "x" });
    const headers = { origin: "https://example.org" };
    const response = await new Browser().fetch(`${base}/api/auth/google`, { method: "POST", headers, body });
    expect((await response.json<ReceivedEnvelope>()).error).toMatchObject({ code: "FORBIDDEN" });
  });
});

describe("what a provider says is not believed", () => {
  it.each(["nonce", "audience", "issuer", "key", "expired"] as const)(
    "when its token is not right (%s): INVALID_CODE",
    async (fault) => {
      const response = await new Browser().signIn("acme", newPerson({ fault }));
      expect(where(response).searchParams.get("problem")).toBe("INVALID_CODE");
    },
  );

  it.each(["github", "google"] as const)("when %s refuses the code: INVALID_CODE", async (door) => {
    const browser = new Browser();
    const back = await browser.visit((await browser.start(door)).redirect_url, newPerson());
    back.searchParams.set("code", "made-up");
    const response = await browser.fetch(back.href, {});
    expect((await response.json<ReceivedEnvelope>()).error).toMatchObject({ code: "INVALID_CODE" });
  });

  it("when it is not there: UNAVAILABLE", async () => {
    const away = JSON.stringify({ acme: { ...client, issuer: "http://127.0.0.1:9", name: "Acme" } });
    expect(await outcome(new Browser({ providers: away }).start("acme"))).toBe("UNAVAILABLE");
  });

  it("but the address may come from its userinfo", async () => {
    const person = newPerson({ emailByUserinfo: true });
    const browser = new Browser();
    await browser.signIn("acme", person);
    expect((await call(browser.fetch, base, refresh, {})).user.email).toBe(person.email!.toLowerCase());
  });
});

describe("POST /api/auth/github, /api/auth/google and /api/auth/oidc initiate", () => {
  let browser: Browser;
  beforeEach(() => void (browser = new Browser()));

  it("answers the provider's page with state, challenge and our own callback", async () => {
    const redirects = {
      github: "/api/auth/github/callback",
      google: "/api/auth/google/callback",
      acme: "/api/auth/oidc/callback",
    };
    for (const [door, path] of Object.entries(redirects)) {
      const { searchParams } = new URL((await browser.start(door as "github")).redirect_url);
      expect(searchParams.get("state")).toMatch(/^[A-Za-z0-9_-]{43}$/);
      expect(searchParams.get("code_challenge_method")).toBe("S256");
      expect(searchParams.get("redirect_uri")).toBe(base + path);
    }
  });

  it("refuses a provider that is not set up with NOT_CONFIGURED", async () => {
    const bare = new Browser({ providers: "{}" });
    for (const door of ["github", "google", "acme"] as const) {
      expect(await outcome(bare.start(door)), door).toBe("NOT_CONFIGURED");
    }
    expect(await outcome(call(browser.fetch, base, initiateOidc, { provider: "github" }))).toBe("NOT_CONFIGURED");
  });

  it("refuses a next that leads elsewhere with INVALID_INPUT", async () => {
    for (const next of ["https://example.org", "//example.org", "/\\example.org", "machines"]) {
      expect(await outcome(browser.start("google", next)), next).toBe("INVALID_INPUT");
    }
  });

  it("refuses missing fields with MISSING_FIELDS and an unknown action with UNKNOWN_ACTION", async () => {
    const codeOf = async (path: string, body: object) => {
      const response = await browser.fetch(base + path, { method: "POST", body: JSON.stringify(body) });
      return (await response.json<ReceivedEnvelope>()).error?.code;
    };
    expect(await codeOf("/api/auth/oidc", { action: "initiate" })).toBe("MISSING_FIELDS");
    expect(await codeOf("/api/auth/github", { action: "callback", code: "x" })).toBe("MISSING_FIELDS");
    expect(await codeOf("/api/auth/github", { action: "callback", code: 7, state: "x" })).toBe("INVALID_INPUT");
    expect(await codeOf("/api/auth/google", { action: "guess" })).toBe("UNKNOWN_ACTION");
  });

  it("refuses too many from one address with RATE_LIMITED", async () => {
    const limited = new Browser({ limits: { oauth_per_ip: 1 } });
    expect(await outcome(limited.start("github"))).toBe("ok");
    expect(await outcome(limited.start("github"))).toBe("RATE_LIMITED");
  });
});

describe("ZTNA_LOGIN_PROVIDERS", () => {
  it("that is wrong is refused in one sentence that names the key and none of the secrets", () => {
    const wrong = [
      "{",
      "[]",
      JSON.stringify({ github: { client_id: "x" } }),
      JSON.stringify({ google: { ...client, isuer: "https://x" } }),
      JSON.stringify({ acme: { ...client, name: "Acme" } }),
      JSON.stringify({ acme: { ...client, name: "Acme", issuer: "http://example.com" } }),
    ];
    for (const text of wrong) {
      expect(() => parseLoginProviders(text), text).toThrow(/^ZTNA_LOGIN_PROVIDERS: /);
      expect(() => parseLoginProviders(text), text).not.toThrow(client.client_secret);
    }
    expect(parseLoginProviders(undefined)).toEqual([]);
  });

  it("may leave the client secrets to ZTNA_LOGIN_SECRETS", () => {
    const providers = JSON.stringify({ github: { client_id: "x" } });
    expect(parseLoginProviders(providers, '{"github": "hidden"}')).toMatchObject([{ clientSecret: "hidden" }]);
    expect(() => parseLoginProviders(providers, '{"google": "hidden"}')).toThrow(
      "ZTNA_LOGIN_PROVIDERS: github.client_secret: wrong or missing",
    );
  });
});
