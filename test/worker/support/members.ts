import { call } from "#protocol/api/call.ts";
import type { Session } from "#protocol/api/auth.ts";
import { acceptInvitation, inviteMember } from "#protocol/api/invitations.ts";
import type { Role } from "#protocol/api/orgs.ts";
import { base, post, selfFetch, signUpSomeone } from "./api.ts";

export interface Org {
  readonly orgId: string;
  readonly token: string;
}

export function invite(org: Org, email: string, role: string = "member", fetch = selfFetch) {
  return call(fetch, base, inviteMember, { org_id: org.orgId, email, role }, { token: org.token });
}

export function accept(token: string, invitation: string) {
  return call(selfFetch, base, acceptInvitation, { token: invitation }, { token });
}

/** A new person who was invited to the org and came. */
export async function join(org: Org, role: Role): Promise<Session> {
  const person = await signUpSomeone();
  await accept(person.token, (await invite(org, person.user.email, role)).token);
  return person;
}

/** One action of the org's management, past the client's own types. */
export async function manage(org: Org, action: string, more: object = {}, token: string | undefined = org.token) {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const { status, envelope } = await post("/api/org-management", { action, org_id: org.orgId, ...more }, headers);
  return { status, data: envelope.data, code: envelope.error?.code, message: envelope.error?.message };
}
