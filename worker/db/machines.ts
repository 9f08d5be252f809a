import { and, eq } from "drizzle-orm";
import type { MachineId, OrgId, UserId } from "#protocol/ids.ts";
import type { Database } from "./database.ts";
import { orgMembers } from "./schema/org-members.ts";
import { machines } from "./schema/projections.ts";

/** The org that has the machine, when the person is a member of it. */
export async function findOrgOfMachine(db: Database, id: MachineId, userId: UserId): Promise<OrgId | undefined> {
  const rows = await db.select({ orgId: machines.orgId }).from(machines)
    .innerJoin(orgMembers, and(eq(orgMembers.orgId, machines.orgId), eq(orgMembers.userId, userId)))
    .where(eq(machines.id, id));
  return rows[0]?.orgId as OrgId | undefined;
}
