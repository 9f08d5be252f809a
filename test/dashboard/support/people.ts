import { randomUUID } from "node:crypto";
import type { Page } from "playwright-core";
import { inject } from "vitest";
import { createAuthKey } from "#protocol/api/auth-keys.ts";
import { type Session, signup } from "#protocol/api/auth.ts";
import { call } from "#protocol/api/call.ts";
import type { Endpoint, InputOf, ResponseOf } from "#protocol/api/endpoint.ts";
import { acceptInvitation, inviteMember } from "#protocol/api/invitations.ts";
import { registerMachine } from "#protocol/api/machines.ts";
import { createOrg, type Role } from "#protocol/api/orgs.ts";

export const password = "correct horse battery";

/** Calls the API as a program would, beside the browser. */
export function api<E extends Endpoint>(endpoint: E, input: InputOf<E>, token?: string): Promise<ResponseOf<E>> {
  return call(fetch, inject("url"), endpoint, input, { token });
}

export function newEmail(name: string): string {
  return `${name}-${randomUUID().slice(0, 8)}@example.test`;
}

export interface Owner {
  readonly email: string;
  readonly session: Session;
  readonly org: ResponseOf<typeof createOrg>;
}

/** A person with an org of their own. */
export async function newOwner(orgName = "Acme"): Promise<Owner> {
  const email = newEmail("owner");
  const session = await api(signup, { email, password });
  return { email, session, org: await api(createOrg, { name: orgName }, session.token) };
}

export function newKey(owner: Owner, name: string, reusable = true): Promise<ResponseOf<typeof createAuthKey>> {
  return api(createAuthKey, { org_id: owner.org.id, name, reusable, expiry_days: 30 }, owner.session.token);
}

export function enrol(key: string, name: string): Promise<ResponseOf<typeof registerMachine>> {
  return api(registerMachine, { auth_key: key, name, os: "linux", version: "0.1.0" });
}

/** A second person in an org. */
export async function newMember(owner: Owner, role: Role): Promise<Session> {
  const email = newEmail(role);
  const session = await api(signup, { email, password });
  const { token } = await api(inviteMember, { org_id: owner.org.id, email, role }, owner.session.token);
  await api(acceptInvitation, { token }, session.token);
  return session;
}

/** Signs in through the form. */
export async function signIn(page: Page, email: string, path = "/machines"): Promise<void> {
  await page.goto(path);
  await page.getByLabel("Email").fill(email);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.locator("header nav").waitFor();
}

/** Comes in with a session that the API gave, which is quicker than the form. */
export async function enter(page: Page, session: Session, path = "/machines", shows = "header nav"): Promise<void> {
  await page.goto("/logo.svg");
  await page.evaluate((token) => localStorage.setItem("access_token", token), session.token);
  await page.goto(path);
  await page.locator(shows).waitFor();
}
