import { join, resolve } from "node:path";
import { login, type Session } from "#protocol/api/auth.ts";
import { call } from "#protocol/api/call.ts";
import { userOrgs } from "#protocol/api/orgs.ts";
import type { Background } from "./background.ts";
import type { Host } from "./host.ts";

const root = resolve(import.meta.dirname, "../..");

export const owner = { email: "owner@example.com", password: "correct horse battery" };

/** `npm start` on a host of the test network. */
export interface RunningControlPlane {
  readonly url: string;
  readonly process: Background;
  readonly state: string;
}

const noRateLimits = { register_per_ip: 0, register_per_key: 0, login_per_ip: 0, login_per_email: 0, signup_per_ip: 0 };

export async function startOn(
  host: Host,
  { limits = {}, timings = {}, port = 8787 }: { limits?: object; timings?: object; port?: number } = {},
): Promise<RunningControlPlane> {
  Object.assign(host.environment, {
    ZTNA_OWNER_EMAIL: owner.email,
    ZTNA_OWNER_PASSWORD: owner.password,
    ZTNA_LIMITS: JSON.stringify({ ...noRateLimits, ...limits }),
    ZTNA_TIMINGS: JSON.stringify(timings),
  });
  const state = join(host.home, "state");
  const args = [join(root, "tools/start/main.ts"), "--host", host.address, "--port", String(port), "--state", state];
  const process = host.start("node", args);
  await process.prints("Press Ctrl+C to stop.", 60_000);
  return { url: `http://${host.address}:${port}`, process, state };
}

/** The owner's session and org, as seen from another host. */
export async function logInFrom(host: Host, url: string): Promise<{ session: Session; orgId: string }> {
  const session = await call(host.fetch, url, login, owner);
  const [org] = await call(host.fetch, url, userOrgs, {}, { token: session.token });
  return { session, orgId: org!.id };
}
