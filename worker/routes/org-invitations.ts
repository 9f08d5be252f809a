import { randomBytes } from "node:crypto";
import type { Hono } from "hono";
import { checkGrant, readRole } from "#domain/org/people.ts";
import { secretHash } from "#domain/secrets/routed-secret.ts";
import {
  acceptInvitation,
  INVITATION_PATH,
  inviteMember,
  listInvitations,
  revokeInvitation,
  showInvitation,
} from "#protocol/api/invitations.ts";
import { ZtnaError } from "#protocol/errors.ts";
import type { InvitationId, OrgId } from "#protocol/ids.ts";
import { requireRole } from "../auth/require-role.ts";
import type { AppContext, AppEnv } from "../context.ts";
import { newAuditLog } from "../db/audit-logs.ts";
import { database } from "../db/database.ts";
import * as invitations from "../db/org-invitations.ts";
import { findOrganization } from "../db/organizations.ts";
import { countHit } from "../db/rate-limits.ts";
import { announce } from "../http/announce.ts";
import { actions, mount } from "../http/mount.ts";
import { invitationLetter } from "../mail/letters.ts";
import { sendMail } from "../mail/send.ts";

export const invitationActions = actions([
  [inviteMember, async ({ org_id, email, role: named }, c) => {
    const by = await requireRole(c, org_id, "admin");
    const role = readRole(named);
    checkGrant(by, role);
    const org = await findOrganization(database(c), org_id);
    if (org === undefined) throw new ZtnaError("NOT_FOUND");
    const { limits, timings } = c.get("config");
    const hits = { limit: limits.invitations_per_org, windowS: timings.invitations_window_s };
    await countHit(database(c), { scope: "invitation_org", subject: org_id, ...hits }, Date.now());
    const id = crypto.randomUUID() as InvitationId;
    const token = randomBytes(32).toString("hex");
    const now = Date.now();
    const expiresAt = now + timings.invitation_s * 1000;
    const row = { id, orgId: org_id, email, role, tokenHash: secretHash(token), invitedBy: c.get("user").id };
    const log = record(c, org_id, id, "member.invited", { email, role });
    const times = { expiresAt, createdAt: now };
    const refusal = await invitations.insertInvitation(database(c), { ...row, ...times }, limits.users_per_org, log);
    if (refusal === "PLAN_LIMIT_REACHED") {
      throw new ZtnaError(refusal, `User limit reached (${limits.users_per_org}). Upgrade your plan.`);
    }
    if (refusal !== undefined) throw new ZtnaError(refusal);
    await announce(c, org_id, "audit", "INSERT", log);
    const link = `${new URL(c.req.url).origin}${INVITATION_PATH}${token}`;
    const letter = invitationLetter(email, { orgName: org.name, role, by: c.get("user").email, link, expiresAt });
    const email_sent = await sendMail(c, letter);
    return { invitation_id: id, token, link, email, role, expires_at: new Date(expiresAt).toISOString(), email_sent };
  }],

  [listInvitations, async ({ org_id }, c) => {
    await requireRole(c, org_id, "admin");
    return await invitations.listInvitations(database(c), org_id);
  }],

  [revokeInvitation, async ({ org_id, invitation_id }, c) => {
    await requireRole(c, org_id, "admin");
    const known = await invitations.findInvitation(database(c), org_id, invitation_id);
    if (known === undefined) throw new ZtnaError("NOT_FOUND", "Invitation not found");
    const { email, role } = known;
    const log = record(c, org_id, invitation_id, "member.invitation_revoked", { email, role });
    if (!(await invitations.revokeInvitation(database(c), invitation_id, log))) {
      throw new ZtnaError("INVALID_STATE", "Invitation is not pending");
    }
    await announce(c, org_id, "audit", "INSERT", log);
    return { revoked: invitation_id };
  }],
]);

export function invitationRoutes(app: Hono<AppEnv>): void {
  mount(app, showInvitation, async ({ token }, c) => {
    const { organization, email, role, expires_at } = await requireOpen(c, token);
    return { org_name: organization.name, email, role, expires_at };
  });

  mount(app, acceptInvitation, async ({ token }, c) => {
    const { id: userId, email, roles } = c.get("user");
    const { id, org_id, role, organization, email: invited } = await requireOpen(c, token);
    if (invited !== email.toLowerCase()) throw new ZtnaError("EMAIL_MISMATCH");
    if (roles.has(org_id)) throw new ZtnaError("ALREADY_MEMBER");
    const now = Date.now();
    const log = record(c, org_id, id, "member.joined", { role });
    if (!(await invitations.redeemInvitation(database(c), secretHash(token), userId, now, log))) {
      throw new ZtnaError("INVALID_INVITATION");
    }
    const member = { org_id, user_id: userId, role, created_at: new Date(now).toISOString() };
    await announce(c, org_id, "audit", "INSERT", log);
    await announce(c, org_id, "members", "INSERT", member);
    return { org_id, role, organization: { ...organization, role } };
  });
}

async function requireOpen(c: AppContext, token: string) {
  const found = await invitations.findOpenInvitation(database(c), secretHash(token), Date.now());
  if (found === undefined) throw new ZtnaError("INVALID_INVITATION");
  return found;
}

function record(c: AppContext, orgId: OrgId, id: InvitationId, action: string, details: Record<string, unknown>) {
  const userId = c.get("user").id;
  return newAuditLog({ orgId, action, resourceType: "invitation", resourceId: id, userId, details, now: Date.now() });
}
