import type { Hono } from "hono";
import { endOf } from "#domain/audit/criteria.ts";
import { readAudit, searchAuditLogs } from "#protocol/api/audit-logs.ts";
import { searchAudit } from "../audit/search.ts";
import { requireRole } from "../auth/require-role.ts";
import type { AppEnv } from "../context.ts";
import { mount, mountActions } from "../http/mount.ts";

const HOUR_MS = 3_600_000;

export function governanceRoutes(app: Hono<AppEnv>): void {
  mountActions(app, [
    [searchAuditLogs, async (input, c) => {
      const { org_id, page, page_size, date_from, date_to } = input;
      await requireRole(c, org_id, "member");
      const criteria = {
        action: input.action_filter,
        category: input.action_category,
        resourceType: input.resource_type,
        text: input.search,
        from: date_from === undefined ? undefined : Date.parse(date_from),
        to: date_to === undefined ? undefined : endOf(date_to),
      };
      const found = await searchAudit(c, org_id, criteria, { page, size: page_size });
      return {
        logs: found.logs,
        total: found.total,
        page,
        page_size,
        total_pages: Math.ceil(found.total / page_size),
        filters: { resource_types: found.resourceTypes, action_categories: found.actionCategories },
      };
    }],
  ]);

  mount(app, readAudit, async ({ org_id, mode, limit, action, since_hours }, c) => {
    await requireRole(c, org_id, "member");
    const from = since_hours === undefined ? undefined : Date.now() - since_hours * HOUR_MS;
    const { logs, total } = await searchAudit(c, org_id, { action, from }, { page: 0, size: limit });
    return mode === "recent" ? { logs } : { count: total };
  });
}
