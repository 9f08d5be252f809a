import type { Hono } from "hono";
import { auditLogsCsv, machinesCsv } from "#domain/export/tables.ts";
import { AUDIT_EXPORT_MOST_ROWS, exportAuditLogs, exportMachines } from "#protocol/api/export.ts";
import { orgRoutingTag } from "#protocol/ids.ts";
import { searchAudit } from "../audit/search.ts";
import { requireRole } from "../auth/require-role.ts";
import type { AppEnv } from "../context.ts";
import { mountActions } from "../http/mount.ts";
import { unwrap } from "../http/unwrap.ts";

const DAY_MS = 86_400_000;

export function exportRoutes(app: Hono<AppEnv>): void {
  mountActions(app, [
    [exportMachines, async ({ org_id, format }, c) => {
      await requireRole(c, org_id, "admin");
      const machines = unwrap(await c.env.ORG.getByName(orgRoutingTag(org_id)).listMachines());
      const count = machines.length;
      return format === "csv" ? { csv: machinesCsv(machines), count } : { machines, count };
    }],

    [exportAuditLogs, async ({ org_id, format, days }, c) => {
      await requireRole(c, org_id, "admin");
      const from = Date.now() - days * DAY_MS;
      const { logs } = await searchAudit(c, org_id, { from }, { page: 0, size: AUDIT_EXPORT_MOST_ROWS });
      const count = logs.length;
      return format === "csv" ? { csv: auditLogsCsv(logs), count } : { logs, count };
    }],
  ]);
}
