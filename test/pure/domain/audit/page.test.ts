import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { mixPage, storedWindow } from "#domain/audit/page.ts";
import type { AuditLog } from "#protocol/api/audit-logs.ts";

/** Records of the given minutes, newest first. */
const logsOf = (minutes: readonly number[], where: string) =>
  [...minutes].sort((a, b) => b - a).map((minute, i) => ({
    id: `${where}${i}`,
    created_at: new Date(minute * 60_000).toISOString(),
  })) as AuditLog[];

describe("a page of stored and pending audit records", () => {
  it("is the page of all of them sorted together, wherever the pending ones fall", () => {
    const minutes = fc.uniqueArray(fc.nat(500), { maxLength: 60 });
    fc.assert(
      fc.property(
        minutes,
        fc.func(fc.boolean()),
        fc.nat(8),
        fc.integer({ min: 1, max: 20 }),
        (all, isPending, page, size) => {
          const pending = logsOf(all.filter((minute) => isPending(minute)), "p");
          const stored = logsOf(all.filter((minute) => !isPending(minute)), "s");
          const { offset, limit } = storedWindow({ page, size }, pending.length);
          const shown = mixPage({ page, size }, pending, stored.slice(offset, offset + limit));
          const expected = logsOf(all, "").slice(page * size, (page + 1) * size);
          expect(shown.map(({ created_at }) => created_at)).toEqual(expected.map(({ created_at }) => created_at));
        },
      ),
    );
  });

  it("puts a pending record before a stored one of the same moment", () => {
    expect(mixPage({ page: 0, size: 2 }, logsOf([5], "p"), logsOf([5], "s")).map(({ id }) => id)).toEqual(["p0", "s0"]);
  });
});
