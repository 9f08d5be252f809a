import * as v from "valibot";
import { orgIdSchema, targetUserIdSchema, userIdSchema } from "../ids.ts";
import { endpoint } from "./endpoint.ts";
import { roleSchema } from "./orgs.ts";

/** What admins do to the people of an org. Whoever is an owner is out of reach of those who are not. */

const target = { org_id: orgIdSchema, target_user_id: targetUserIdSchema };
const common = { method: "POST", path: "/api/org-management", caller: "user" } as const;
const refusals = ["UNAUTHORIZED", "FORBIDDEN", "MISSING_FIELDS", "INVALID_INPUT", "NOT_FOUND", "CONFLICT"] as const;

export const changeRole = endpoint({
  ...common,
  action: "change_role",
  request: v.object({ ...target, new_role: v.string("new_role must be a string") }),
  response: v.object({ user_id: userIdSchema, role: roleSchema }),
  refusals: [...refusals, "INVALID_ROLE"],
});

/** Their machines in the org that are online or offline go into quarantine. */
export const removeMember = endpoint({
  ...common,
  action: "remove_member",
  request: v.object(target),
  response: v.object({ removed: userIdSchema, machines_quarantined: v.number() }),
  refusals,
});
