import type { Hono } from "hono";
import { changePassword, deleteAccount, updateProfile } from "#protocol/api/profile.ts";
import { ZtnaError } from "#protocol/errors.ts";
import { type OrgId, orgRoutingTag, type UserId } from "#protocol/ids.ts";
import { clientIp } from "../auth/client-ip.ts";
import { confirmPassword } from "../auth/confirm-password.ts";
import { openSession } from "../auth/open-session.ts";
import { hashPassword } from "../auth/password.ts";
import { clearRefreshCookie } from "../auth/refresh-cookie.ts";
import type { AppContext, AppEnv } from "../context.ts";
import { deleteUser, findForsakenOrg, findLonelyOrgs } from "../db/account.ts";
import { insertAuditLogOfUser, newAuditLog } from "../db/audit-logs.ts";
import { database } from "../db/database.ts";
import { saveFullName, savePassword } from "../db/users.ts";
import { announce } from "../http/announce.ts";
import { disconnect } from "../http/disconnect.ts";
import { mount } from "../http/mount.ts";
import { unwrap } from "../http/unwrap.ts";

export function profileRoutes(app: Hono<AppEnv>): void {
  mount(app, updateProfile, async ({ full_name }, c) => {
    const { id, email } = c.get("user");
    await saveFullName(database(c), id, full_name);
    return { id, email, full_name, avatar_url: null };
  });

  mount(app, changePassword, async ({ current_password, new_password }, c) => {
    await confirmPassword(c, current_password);
    const { id, email } = c.get("user");
    const db = database(c);
    await savePassword(db, id, await hashPassword(new_password, c.get("config").limits.scrypt_log2_n));
    const details = { ip: clientIp(c) };
    await insertAuditLogOfUser(db, { action: "auth.password_changed", userId: id, details, now: Date.now() });
    await disconnect(c);
    return await openSession(c, { id, email });
  });

  mount(app, deleteAccount, async ({ password }, c) => {
    await confirmPassword(c, password);
    const db = database(c);
    const { id, email, roles } = c.get("user");
    const lonely = await findLonelyOrgs(db, id);
    const shared = [...roles.keys()].filter((orgId) => !lonely.includes(orgId));
    await refuseToForsake(c, id);
    // Before the account, so that a failure in between leaves nothing that asking again would not finish.
    for (const orgId of lonely) unwrap(await c.env.ORG.getByName(orgRoutingTag(orgId)).close());
    for (const orgId of shared) unwrap(await c.env.ORG.getByName(orgRoutingTag(orgId)).quarantineMachinesOf(id, null));
    const logs = shared.map((orgId) => recordLeaving(orgId, id));
    if (!(await deleteUser(db, { id, email }, logs))) await refuseToForsake(c, id);
    for (const log of logs) {
      await announce(c, log.org_id, "audit", "INSERT", log);
      await announce(c, log.org_id, "members", "DELETE", { org_id: log.org_id, user_id: id });
    }
    clearRefreshCookie(c);
    return { deleted: true as const };
  });
}

async function refuseToForsake(c: AppContext, id: UserId): Promise<void> {
  const org = await findForsakenOrg(database(c), id);
  if (org === undefined) return;
  throw new ZtnaError("CONFLICT", `You are the only owner of ${org}. Make another member an owner first.`);
}

/** Says nothing of who it was. */
function recordLeaving(orgId: OrgId, id: UserId) {
  const details = { reason: "account_deleted" };
  const now = Date.now();
  return newAuditLog({
    orgId,
    action: "member.removed",
    resourceType: "member",
    resourceId: id,
    userId: null,
    details,
    now,
  });
}
