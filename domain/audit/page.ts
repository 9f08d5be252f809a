import type { AuditLog } from "#protocol/api/audit-logs.ts";

export interface Page {
  /** Counted from 0. */
  readonly page: number;
  readonly size: number;
}

/** Which stored records may stand on a page into which `pending` others, not yet stored, have to be sorted. */
export function storedWindow({ page, size }: Page, pending: number): { offset: number; limit: number } {
  const offset = Math.max(0, page * size - pending);
  return { offset, limit: (page + 1) * size - offset };
}

/**
 * One page, newest first, of the stored records of `storedWindow` and all pending ones, both newest first. Every record before
 * the window stands before this page, so that counting from the window's start is counting from the log's.
 */
export function mixPage(wanted: Page, pending: readonly AuditLog[], stored: readonly AuditLog[]): AuditLog[] {
  const { offset } = storedWindow(wanted, pending.length);
  const start = wanted.page * wanted.size - offset;
  return [...pending, ...stored].sort(newestFirst).slice(start, start + wanted.size);
}

function newestFirst(a: AuditLog, b: AuditLog): number {
  return a.created_at < b.created_at ? 1 : a.created_at > b.created_at ? -1 : 0;
}
