import { randomBytes } from "node:crypto";
import { login, refresh, type Session, signup } from "#protocol/api/auth.ts";
import { createAuthKey } from "#protocol/api/auth-keys.ts";
import { call } from "#protocol/api/call.ts";
import { createOrg, userOrgs } from "#protocol/api/orgs.ts";
import { ZtnaError } from "#protocol/errors.ts";
import type { StartOptions } from "./options.ts";
import { keep, readKept, type StateFolder } from "./state-folder.ts";

export interface FirstOwner {
  readonly email: string;
  /** Only when it was made up just now. */
  readonly newPassword: string | undefined;
  /** A key that enrols this machine, or undefined when we may no longer make one. */
  readonly authKey: string | undefined;
}

interface Kept {
  readonly email: string;
  readonly refresh_token: string;
}

/** Makes the first account and its org when there is none, and a short-lived key for this machine. */
export async function ensureFirstOwner(
  url: string,
  folder: StateFolder,
  owner: StartOptions["owner"],
): Promise<FirstOwner> {
  const kept = readKept<Kept>(folder, "owner.json");
  if (kept === undefined) return makeOwner(url, folder, owner);
  const session = await resume(url, kept, owner);
  if (session === undefined) return { email: kept.email, newPassword: undefined, authKey: undefined };
  keep(folder, "owner.json", { email: kept.email, refresh_token: session.refresh_token });
  return { email: kept.email, newPassword: undefined, authKey: await makeKey(url, session.token) };
}

async function makeOwner(url: string, folder: StateFolder, owner: StartOptions["owner"]): Promise<FirstOwner> {
  const madeUp = owner.password === undefined ? randomBytes(12).toString("base64url") : undefined;
  const credentials = { email: owner.email, password: owner.password ?? madeUp! };
  const session = await signUp(url, credentials);
  const orgs = await call(fetch, url, userOrgs, {}, { token: session.token });
  if (orgs.length === 0) await call(fetch, url, createOrg, { name: "My network" }, { token: session.token });
  keep(folder, "owner.json", { email: owner.email, refresh_token: session.refresh_token });
  return { email: owner.email, newPassword: madeUp, authKey: await makeKey(url, session.token) };
}

/** A first start that was cut short may have left the account behind. */
async function signUp(url: string, credentials: { email: string; password: string }): Promise<Session> {
  try {
    return await call(fetch, url, signup, credentials);
  } catch (error) {
    if (error instanceof ZtnaError && error.code === "CONFLICT") return call(fetch, url, login, credentials);
    throw error;
  }
}

async function resume(url: string, kept: Kept, owner: StartOptions["owner"]): Promise<Session | undefined> {
  try {
    return await call(fetch, url, refresh, { refresh_token: kept.refresh_token });
  } catch {
    // The session may be over or its account signed out everywhere.
  }
  if (owner.password === undefined || owner.email !== kept.email) return undefined;
  return call(fetch, url, login, { email: owner.email, password: owner.password }).catch(() => undefined);
}

async function makeKey(url: string, token: string): Promise<string | undefined> {
  const [org] = await call(fetch, url, userOrgs, {}, { token });
  if (org === undefined) return undefined;
  const input = { org_id: org.id, name: "npm start", reusable: true, expiry_days: 1 };
  return (await call(fetch, url, createAuthKey, input, { token })).key;
}
