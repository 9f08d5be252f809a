import * as v from "valibot";
import { orgIdSchema } from "../ids.ts";
import { endpoint } from "./endpoint.ts";
import { orgSettingsSchema } from "./orgs.ts";

const days = "key_expiry_days must be an integer between 1 and 365";
const yesOrNo = (field: string) => v.optional(v.boolean(`${field} must be true or false`));

/** What admins decide of their org. The address pool and the machine quota are the deploy's: naming them is refused. */
export const updateOrgSettings = endpoint({
  method: "POST",
  path: "/api/org-management",
  action: "update_org_settings",
  caller: "user",
  request: v.object({
    org_id: orgIdSchema,
    allow_exit_nodes: yesOrNo("allow_exit_nodes"),
    allow_subnet_routing: yesOrNo("allow_subnet_routing"),
    key_expiry_days: v.optional(v.pipe(v.number(days), v.integer(days), v.minValue(1, days), v.maxValue(365, days))),
    /** One that is none of the modes is refused with a code of its own. */
    posture_enforcement: v.optional(v.unknown()),
    reregistration: v.optional(
      v.picklist(orgSettingsSchema.entries.reregistration.options, "reregistration must be name or machine_key"),
    ),
    approval_required: yesOrNo("approval_required"),
    disable_offloads: yesOrNo("disable_offloads"),
    machine_quota: v.optional(v.unknown()),
    address_pool: v.optional(v.unknown()),
  }),
  response: v.object({ updated: v.literal(true) }),
  refusals: ["UNAUTHORIZED", "FORBIDDEN", "MISSING_FIELDS", "INVALID_INPUT", "INVALID_VALUE"],
});
