import * as v from "valibot";
import { orgIdSchema, userIdSchema } from "../ids.ts";
import { endpoint } from "./endpoint.ts";

/** One record of the audit log, as searches, the table API and the live channel `audit` show it; times are ISO 8601. */
export const auditLogSchema = v.object({
  id: v.string(),
  org_id: orgIdSchema,
  /** `<noun>.<what happened>`; the noun alone is the action's category. */
  action: v.string(),
  resource_type: v.string(),
  resource_id: v.nullable(v.string()),
  /** Who did it; null for the system and for machines. */
  user_id: v.nullable(userIdSchema),
  details: v.record(v.string(), v.unknown()),
  created_at: v.string(),
});
export type AuditLog = v.InferOutput<typeof auditLogSchema>;

const MOST_PAGE_SIZE = 200;

/** Text to look for; empty, as forms send it, means nothing in particular. */
const wanted = (field: string) =>
  v.pipe(
    v.nullish(v.pipe(v.string(`${field} must be a string`), v.trim(), v.maxLength(200, `${field} is too long`))),
    v.transform((text) => text === null || text === "" ? undefined : text),
  );

const date = (field: string) =>
  v.pipe(
    wanted(field),
    v.check((text) => text === undefined || !Number.isNaN(Date.parse(text)), `${field} must be an ISO 8601 date`),
  );

const whole = (field: string) => {
  const message = `${field} must be a whole number from 0 on`;
  return v.pipe(v.number(message), v.integer(message), v.minValue(0, message));
};

/** Newest first. `date_to` without a time of day includes the whole day. */
export const searchAuditLogs = endpoint({
  method: "POST",
  path: "/api/governance",
  action: "search_audit_logs",
  caller: "user",
  request: v.object({
    org_id: orgIdSchema,
    page: v.optional(v.pipe(whole("page"), v.maxValue(1_000_000, "page is too large")), 0),
    /** Brought into 1 to 200. */
    page_size: v.optional(
      v.pipe(whole("page_size"), v.transform((size) => Math.min(Math.max(size, 1), MOST_PAGE_SIZE))),
      50,
    ),
    search: wanted("search"),
    /** One action exactly; `action` itself names what is asked of this path. */
    action_filter: wanted("action_filter"),
    action_category: wanted("action_category"),
    resource_type: wanted("resource_type"),
    date_from: date("date_from"),
    date_to: date("date_to"),
  }),
  response: v.object({
    logs: v.array(auditLogSchema),
    total: v.number(),
    page: v.number(),
    page_size: v.number(),
    total_pages: v.number(),
    /** What there is to choose from in this org, whatever was looked for. */
    filters: v.object({ resource_types: v.array(v.string()), action_categories: v.array(v.string()) }),
  }),
  refusals: ["UNAUTHORIZED", "FORBIDDEN", "MISSING_FIELDS", "INVALID_INPUT"],
});

const digits = (field: string) =>
  v.pipe(v.string(), v.regex(/^\d{1,6}$/, `${field} must be a whole number`), v.transform(Number));

/** The newest records, or how many there are. */
export const readAudit = endpoint({
  method: "GET",
  path: "/api/audit",
  caller: "user",
  request: v.object({
    org_id: orgIdSchema,
    mode: v.optional(v.picklist(["recent", "count"], "mode must be recent or count"), "recent"),
    limit: v.optional(
      v.pipe(digits("limit"), v.transform((most) => Math.min(Math.max(most, 1), MOST_PAGE_SIZE))),
      "50",
    ),
    action: wanted("action"),
    since_hours: v.optional(digits("since_hours")),
  }),
  response: v.union([v.object({ logs: v.array(auditLogSchema) }), v.object({ count: v.number() })]),
  refusals: ["UNAUTHORIZED", "FORBIDDEN", "MISSING_FIELDS", "INVALID_INPUT"],
});
