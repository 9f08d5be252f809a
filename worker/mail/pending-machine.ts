import type { OrgId } from "#protocol/ids.ts";
import type { AppContext } from "../context.ts";
import { database } from "../db/database.ts";
import { listAdminEmails } from "../db/org-members.ts";
import { findOrganization } from "../db/organizations.ts";
import { pendingMachineLetter } from "./letters.ts";
import { sendMail } from "./send.ts";

/** Writes to the org's admins that a machine waits for them. */
export async function mailPendingMachine(c: AppContext, orgId: OrgId, machine: string): Promise<void> {
  if (c.get("config").mail === undefined) return;
  const [org, admins] = await Promise.all([findOrganization(database(c), orgId), listAdminEmails(database(c), orgId)]);
  if (org === undefined) return;
  const facts = { orgName: org.name, machine, by: c.get("user").email, link: `${new URL(c.req.url).origin}/machines` };
  await Promise.all(admins.map((to) => sendMail(c, pendingMachineLetter(to, facts))));
}
