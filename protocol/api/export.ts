import * as v from "valibot";
import { orgIdSchema } from "../ids.ts";
import { auditLogSchema } from "./audit-logs.ts";
import { endpoint } from "./endpoint.ts";
import { machineSchema } from "./machines.ts";

/** What admins take home: JSON, or CSV as one string. */

const common = { method: "POST", path: "/api/export", caller: "user" } as const;
const format = v.optional(v.picklist(["json", "csv"], "format must be json or csv"), "json");
const refusals = ["UNAUTHORIZED", "FORBIDDEN", "MISSING_FIELDS", "INVALID_INPUT"] as const;
const csv = v.object({ csv: v.string(), count: v.number() });

export const AUDIT_EXPORT_MOST_ROWS = 10_000;
const days = "days must be a whole number from 1 to 3650";

export const exportMachines = endpoint({
  ...common,
  action: "machines",
  request: v.object({ org_id: orgIdSchema, format }),
  response: v.union([v.object({ machines: v.array(machineSchema), count: v.number() }), csv]),
  refusals,
});

/** The newest 10,000 at most. */
export const exportAuditLogs = endpoint({
  ...common,
  action: "audit_logs",
  request: v.object({
    org_id: orgIdSchema,
    format,
    days: v.optional(v.pipe(v.number(days), v.integer(days), v.minValue(1, days), v.maxValue(3650, days)), 30),
  }),
  response: v.union([v.object({ logs: v.array(auditLogSchema), count: v.number() }), csv]),
  refusals,
});
