import { database } from "../db/database.ts";
import { listPeople } from "../db/org-members.ts";
import { unwrap } from "../http/unwrap.ts";
import { orgObject, type Scope } from "./table.ts";

/** What `/api/db/_rpc` answers, by the name in `fn`; every member of the org may ask. */
export const functions: Readonly<Record<string, (scope: Scope) => Promise<unknown>>> = {
  get_dashboard_stats: async (scope) => {
    const org = orgObject(scope);
    const machines = unwrap(await org.listMachines());
    const keys = unwrap(await org.listAuthKeys());
    const people = await listPeople(database(scope.c), scope.orgId);
    const having = (status: string) => machines.filter((machine) => machine.status === status).length;
    const now = new Date().toISOString();
    return {
      total_machines: machines.length,
      online_machines: having("online"),
      offline_machines: having("offline"),
      pending_machines: having("pending"),
      quarantined_machines: having("quarantined"),
      active_auth_keys: keys.filter(({ revoked, expires_at }) => !revoked && expires_at > now).length,
      total_members: people.length,
    };
  },

  get_org_members: ({ c, orgId }) => listPeople(database(c), orgId),
};
