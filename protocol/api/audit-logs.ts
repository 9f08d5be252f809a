import * as v from "valibot";
import { orgIdSchema, userIdSchema } from "../ids.ts";

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
