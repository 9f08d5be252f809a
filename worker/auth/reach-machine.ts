import { ZtnaError } from "#protocol/errors.ts";
import { type MachineId, type OrgId, orgRoutingTag } from "#protocol/ids.ts";
import { database } from "../db/database.ts";
import { findOrgOfMachine } from "../db/machines.ts";
import { findOrganizationsOf } from "../db/organizations.ts";
import type { AppContext } from "../context.ts";
import { isAdmin, requireRole } from "./require-role.ts";

export interface Target {
  readonly org_id?: OrgId | undefined;
  readonly machine_id: MachineId;
}

/** The org object that has the machine, and who acts on it. */
export async function reachMachine(c: AppContext, target: Target) {
  const machine = c.get("machine");
  if (machine !== undefined) {
    if ((target.org_id ?? machine.orgId) !== machine.orgId) throw new ZtnaError("FORBIDDEN", "Not a member");
    return { org: c.env.ORG.getByName(orgRoutingTag(machine.orgId)), actor: machine };
  }
  const orgId = target.org_id ?? await findOrgOf(c, target.machine_id);
  const role = await requireRole(c, orgId, "member");
  const actor = { userId: c.get("user").id, isAdmin: isAdmin(role) };
  return { org: c.env.ORG.getByName(orgRoutingTag(orgId)), actor };
}

/** Which of the caller's orgs has the machine: by D1, or by asking them where it has not heard of the machine yet. */
async function findOrgOf(c: AppContext, machineId: MachineId): Promise<OrgId> {
  const userId = c.get("user").id;
  const known = await findOrgOfMachine(database(c), machineId, userId);
  if (known !== undefined) return known;
  const orgs = await findOrganizationsOf(database(c), userId);
  const answers = await Promise.all(orgs.map(({ id }) => c.env.ORG.getByName(orgRoutingTag(id)).hasMachine(machineId)));
  const found = orgs.find((_, i) => answers[i]);
  if (found === undefined) throw new ZtnaError("NOT_FOUND", "Machine not found");
  return found.id;
}
