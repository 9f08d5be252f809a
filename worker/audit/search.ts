import { type AuditCriteria, categoryOf, meetsCriteria } from "#domain/audit/criteria.ts";
import { mixPage, type Page, storedWindow } from "#domain/audit/page.ts";
import type { AuditLog } from "#protocol/api/audit-logs.ts";
import { type OrgId, orgRoutingTag } from "#protocol/ids.ts";
import type { AppContext } from "../context.ts";
import { findAuditLogs } from "../db/audit-logs.ts";
import { database } from "../db/database.ts";
import { unwrap } from "../http/unwrap.ts";

export interface FoundAuditLogs {
  readonly logs: AuditLog[];
  readonly total: number;
  readonly resourceTypes: string[];
  readonly actionCategories: string[];
}

/**
 * One page of an org's audit log, newest first: what D1 has, and what the org object has written and not yet handed over. The
 * object is asked first, so that a record handed over in between is seen twice rather than not at all.
 */
export async function searchAudit(
  c: AppContext,
  orgId: OrgId,
  criteria: AuditCriteria,
  page: Page,
): Promise<FoundAuditLogs> {
  const all: AuditLog[] = unwrap(await c.env.ORG.getByName(orgRoutingTag(orgId)).listPendingAudits());
  const pending = all.filter((log) => meetsCriteria(log, criteria));
  const window = storedWindow(page, pending.length);
  const ids = all.map(({ id }) => id);
  const stored = await findAuditLogs(database(c), orgId, criteria, window, ids);
  return {
    logs: mixPage(page, pending, stored.logs),
    total: pending.length + stored.total,
    resourceTypes: sorted([...stored.resourceTypes, ...all.map((log) => log.resource_type)]),
    actionCategories: sorted([...stored.actionCategories, ...all.map((log) => categoryOf(log.action))]),
  };
}

function sorted(names: readonly string[]): string[] {
  return [...new Set(names)].sort();
}
