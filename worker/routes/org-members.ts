import { checkRemoval, checkRoleChange, readRole } from "#domain/org/people.ts";
import { changeRole, removeMember } from "#protocol/api/org-members.ts";
import type { OrgMember } from "#protocol/api/orgs.ts";
import { ZtnaError } from "#protocol/errors.ts";
import { type OrgId, orgRoutingTag, type UserId } from "#protocol/ids.ts";
import { requireRole } from "../auth/require-role.ts";
import type { AppContext } from "../context.ts";
import { newAuditLog } from "../db/audit-logs.ts";
import { database } from "../db/database.ts";
import { deleteMember, findMember, saveRole } from "../db/org-members.ts";
import { findOrganization } from "../db/organizations.ts";
import { findUser } from "../db/users.ts";
import { announce } from "../http/announce.ts";
import { actions } from "../http/mount.ts";
import { unwrap } from "../http/unwrap.ts";
import { removalLetter } from "../mail/letters.ts";
import { sendMail } from "../mail/send.ts";

export const memberActions = actions([
  [changeRole, async ({ org_id, target_user_id, new_role }, c) => {
    const { by, member } = await meet(c, org_id, target_user_id);
    const role = readRole(new_role);
    checkRoleChange(by, { userId: member.user_id, role: member.role }, role);
    if (role === member.role) return { user_id: member.user_id, role };
    const log = record(c, member, "member.role_changed", { old_role: member.role, new_role: role });
    if (!(await saveRole(database(c), by, member, role, log))) throw overtaken();
    await announce(c, org_id, "audit", "INSERT", log);
    await announce(c, org_id, "members", "UPDATE", { ...member, role });
    return { user_id: member.user_id, role };
  }],

  [removeMember, async ({ org_id, target_user_id }, c) => {
    const { by, member } = await meet(c, org_id, target_user_id);
    checkRemoval(by, { userId: member.user_id, role: member.role });
    // Before the membership, so that a failure in between leaves nothing that asking again would not finish.
    const quarantined = await quarantineMachines(c, member);
    const log = record(c, member, "member.removed", { role: member.role });
    if (!(await deleteMember(database(c), by, member, log))) throw overtaken();
    // And after it, for one enrolled meanwhile.
    const machines_quarantined = quarantined + await quarantineMachines(c, member);
    await announce(c, org_id, "audit", "INSERT", log);
    await announce(c, org_id, "members", "DELETE", member);
    await writeTo(c, member);
    return { removed: member.user_id, machines_quarantined };
  }],
]);

/** The admin who asks, and the member it is about. */
async function meet(c: AppContext, orgId: OrgId, userId: UserId) {
  const role = await requireRole(c, orgId, "admin");
  const member = await findMember(database(c), orgId, userId);
  if (member === undefined) throw new ZtnaError("NOT_FOUND", "Member not found");
  return { by: { userId: c.get("user").id, role }, member };
}

async function quarantineMachines(c: AppContext, { org_id, user_id }: OrgMember): Promise<number> {
  const org = c.env.ORG.getByName(orgRoutingTag(org_id));
  return unwrap(await org.quarantineMachinesOf(user_id, c.get("user").id)).machinesQuarantined;
}

function record(c: AppContext, member: OrgMember, action: string, details: Record<string, unknown>) {
  const { org_id: orgId, user_id: resourceId } = member;
  const userId = c.get("user").id;
  return newAuditLog({ orgId, action, resourceType: "member", resourceId, userId, details, now: Date.now() });
}

function overtaken(): ZtnaError {
  return new ZtnaError("CONFLICT", "Somebody else has just changed a role here. Look again.");
}

async function writeTo(c: AppContext, member: OrgMember): Promise<void> {
  if (c.get("config").mail === undefined) return;
  const [user, org] = await Promise.all([
    findUser(database(c), member.user_id),
    findOrganization(database(c), member.org_id),
  ]);
  if (user !== undefined && org !== undefined) await sendMail(c, removalLetter(user.email, org.name));
}
