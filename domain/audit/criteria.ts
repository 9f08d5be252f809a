import type { AuditLog } from "#protocol/api/audit-logs.ts";

/** Which records of the audit log are looked for; absent means any. Times in milliseconds, both ends included. */
export interface AuditCriteria {
  readonly action?: string | undefined;
  readonly category?: string | undefined;
  readonly resourceType?: string | undefined;
  /** Part of the action, the resource, the person or the details; A-Z and a-z are the same. */
  readonly text?: string | undefined;
  readonly from?: number | undefined;
  readonly to?: number | undefined;
}

/** The same decision that worker/db/audit-logs.ts makes in SQL, for records that D1 has not got yet. */
export function meetsCriteria(
  log: AuditLog,
  { action, category, resourceType, text, from, to }: AuditCriteria,
): boolean {
  const at = Date.parse(log.created_at);
  return (action === undefined || log.action === action) &&
    (category === undefined || categoryOf(log.action) === category) &&
    (resourceType === undefined || log.resource_type === resourceType) &&
    (text === undefined || searchable(log).includes(lowerAscii(text))) &&
    (from === undefined || at >= from) && (to === undefined || at <= to);
}

/** What stands before the first dot: the noun. */
export function categoryOf(action: string): string {
  return action.split(".", 1)[0]!;
}

/** The end of a span that a person names by its last day; an exact time is its own end. */
export function endOf(date: string): number {
  return Date.parse(date) + (/^\d{4}-\d{2}-\d{2}$/.test(date) ? DAY_MS - 1 : 0);
}

const DAY_MS = 86_400_000;

function searchable({ action, resource_type, resource_id, user_id, details }: AuditLog): string {
  return lowerAscii([action, resource_type, resource_id, user_id, JSON.stringify(details)].join("\n"));
}

/** As SQLite's lower() does it. */
function lowerAscii(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}
