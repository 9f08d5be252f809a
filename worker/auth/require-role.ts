import type { Role } from "#protocol/api/orgs.ts";
import { ZtnaError } from "#protocol/errors.ts";
import { type OrgId, orgRoutingTag } from "#protocol/ids.ts";
import type { AppContext } from "../context.ts";
import { unwrap } from "../http/unwrap.ts";

const admins: readonly Role[] = ["owner", "admin"];

export function isAdmin(role: Role): boolean {
  return admins.includes(role);
}

/** The caller's role in the org; refuses who is not a member, and who is not an admin where one is needed. */
export async function requireRole(c: AppContext, orgId: OrgId, needed: "member" | "admin"): Promise<Role> {
  const role = await roleOf(c, orgId);
  if (role === undefined) throw new ZtnaError("FORBIDDEN", "Not a member");
  if (needed === "admin" && !isAdmin(role)) throw new ZtnaError("FORBIDDEN");
  return role;
}

/** A machine counts as a member of its own org as long as that has it. */
async function roleOf(c: AppContext, orgId: OrgId): Promise<Role | undefined> {
  const machine = c.get("machine");
  if (machine === undefined) return c.get("user").roles.get(orgId);
  if (machine.orgId !== orgId) return undefined;
  unwrap(await c.env.ORG.getByName(orgRoutingTag(orgId)).admitMachine(machine));
  return "member";
}
