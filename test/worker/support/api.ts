import { env, SELF } from "cloudflare:test";
import { createOrg } from "#protocol/api/orgs.ts";
import { type Session, signup } from "#protocol/api/auth.ts";
import { call, type Fetch } from "#protocol/api/call.ts";
import { app } from "../../../worker/app.ts";

export const base = "https://ztna.test";

/** Fetch into the Worker under test. */
export const selfFetch: Fetch = (url, init) => SELF.fetch(url, init);

interface Settings {
  readonly limits?: Record<string, unknown>;
  readonly timings?: Record<string, number>;
  readonly bindings?: Record<string, string>;
}

let callers = 0;

/** Fetch into the app with settings of this test's own, from an address nobody else has. */
export function fetchWith(settings: Settings): Fetch {
  const bindings = {
    ...env,
    ...settings.bindings,
    ZTNA_LIMITS: JSON.stringify({ scrypt_log2_n: 10, ...settings.limits }),
    ZTNA_TIMINGS: JSON.stringify(settings.timings ?? {}),
  };
  const address = `2001:db8::${(++callers).toString(16)}`;
  return async (url, init) => {
    const request = new Request(url, init);
    if (!request.headers.has("cf-connecting-ip")) request.headers.set("cf-connecting-ip", address);
    return await app.fetch(request, bindings as Env);
  };
}

let people = 0;

/** Signs up a new person. */
export function signUpSomeone(): Promise<Session> {
  people += 1;
  return call(selfFetch, base, signup, { email: `person${people}@example.com`, password: "correct horse" });
}

/** A new person with a new org. */
export async function foundOrg(name = "Acme"): Promise<{ session: Session; orgId: string; slug: string }> {
  const session = await signUpSomeone();
  const org = await call(selfFetch, base, createOrg, { name }, { token: session.token });
  return { session, orgId: org.id, slug: org.slug };
}

/** Posts a body as it is, past the client's own types. */
export async function post(path: string, body: unknown, headers: Record<string, string> = {}) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const response = await SELF.fetch(base + path, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: text,
  });
  return { response, status: response.status, envelope: await response.json<ReceivedEnvelope>() };
}

export interface ReceivedEnvelope {
  success: boolean;
  data: unknown;
  error: { code: string; message: string; retry_after_s?: number } | null;
}

/** Lets a rate limit's window be over, as if its time had passed. */
export async function endWindow(scope: string, subject: string): Promise<void> {
  await env.DB.prepare("UPDATE rate_limits SET window_ends_at = 0 WHERE scope = ? AND subject = ?").bind(scope, subject)
    .run();
}
