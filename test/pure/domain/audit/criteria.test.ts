import { describe, expect, it } from "vitest";
import { type AuditCriteria, categoryOf, endOf, meetsCriteria } from "#domain/audit/criteria.ts";
import type { AuditLog } from "#protocol/api/audit-logs.ts";

const log: AuditLog = {
  id: "1",
  org_id: "org" as never,
  action: "machine.renamed",
  resource_type: "machine",
  resource_id: "7F3A",
  user_id: "alice" as never,
  details: { old_name: "Linux-C", new_name: "büro" },
  created_at: "2026-11-25T10:00:00.000Z",
};
const meets = (criteria: AuditCriteria) => meetsCriteria(log, criteria);

describe("an audit record", () => {
  it("is found by its action, category and resource type, each exactly", () => {
    expect([{}, { action: "machine.renamed" }, { category: "machine" }, { resourceType: "machine" }].map(meets))
      .toEqual([true, true, true, true]);
    expect([{ action: "machine" }, { category: "mach" }, { resourceType: "auth_key" }].map(meets))
      .toEqual([false, false, false]);
  });

  it("is found by any part of its text, small or capital", () => {
    expect(["RENAMED", "7f3a", "ALICE", "linux-c", "büro"].map((text) => meets({ text }))).toEqual(Array(5).fill(true));
    expect(["BÜRO", "2026", "%", "org"].map((text) => meets({ text }))).toEqual(Array(4).fill(false));
  });

  it("is found between two times, both included, and all criteria together", () => {
    const at = Date.parse(log.created_at);
    expect([{ from: at }, { to: at }, { from: at, to: at, text: "linux", category: "machine" }].map(meets))
      .toEqual([true, true, true]);
    expect([{ from: at + 1 }, { to: at - 1 }, { from: at, category: "auth_key" }].map(meets))
      .toEqual([false, false, false]);
  });
});

it("a category is what stands before the first dot", () => {
  expect(["auth.login", "jit.grant.revoked", "odd"].map(categoryOf)).toEqual(["auth", "jit", "odd"]);
});

it("a last day ends with its last millisecond, an exact time is its own end", () => {
  expect(new Date(endOf("2026-11-25")).toISOString()).toBe("2026-11-25T23:59:59.999Z");
  expect(new Date(endOf("2026-11-25T10:00:00Z")).toISOString()).toBe("2026-11-25T10:00:00.000Z");
});
