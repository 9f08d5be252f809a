import * as v from "valibot";
import { orgIdSchema, userIdSchema } from "../ids.ts";
import { endpoint } from "./endpoint.ts";

export const roles = ["owner", "admin", "member", "auditor"] as const;
export type Role = (typeof roles)[number];
export const roleSchema = v.picklist(roles);

export const organizationSchema = v.object({
  id: orgIdSchema,
  name: v.string(),
  slug: v.string(),
  domain: v.nullable(v.string()),
  created_at: v.string(),
});
export type Organization = v.InferOutput<typeof organizationSchema>;

const orgName = v.pipe(
  v.string("name must be a string"),
  v.trim(),
  v.nonEmpty("name required"),
  v.maxLength(100, "name must be 1-100 characters"),
);

export const createOrg = endpoint({
  method: "POST",
  path: "/api/org-management",
  action: "create",
  caller: "user",
  status: 201,
  request: v.object({ name: orgName }),
  response: v.object({ ...organizationSchema.entries, role: roleSchema }),
  refusals: ["UNAUTHORIZED", "MISSING_FIELDS", "INVALID_INPUT"],
});

const domain = v.pipe(
  v.string("domain must be a string"),
  v.trim(),
  v.toLowerCase(),
  v.maxLength(253, "domain must be at most 253 characters"),
  v.regex(
    /^$|^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$/,
    "domain must be a domain name such as example.com",
  ),
  v.transform((text) => text === "" ? null : text),
);

/** Changes what people read; the slug never changes. An empty domain takes it away. */
export const updateOrg = endpoint({
  method: "POST",
  path: "/api/org-management",
  action: "update_org",
  caller: "user",
  request: v.object({ org_id: orgIdSchema, name: v.optional(orgName), domain: v.optional(v.nullable(domain)) }),
  response: organizationSchema,
  refusals: ["UNAUTHORIZED", "FORBIDDEN", "MISSING_FIELDS", "INVALID_INPUT"],
});

export const userOrgs = endpoint({
  method: "GET",
  path: "/api/user-orgs",
  caller: "user",
  request: v.object({}),
  response: v.array(v.object({ ...organizationSchema.entries, role: roleSchema })),
  refusals: ["UNAUTHORIZED"],
});

export const orgMemberSchema = v.object({
  org_id: orgIdSchema,
  user_id: userIdSchema,
  role: roleSchema,
  created_at: v.string(),
});
export type OrgMember = v.InferOutput<typeof orgMemberSchema>;

export const orgSettingsSchema = v.object({
  org_id: orgIdSchema,
  allow_exit_nodes: v.boolean(),
  allow_subnet_routing: v.boolean(),
  key_expiry_days: v.number(),
  posture_enforcement: v.picklist(["disabled", "monitor", "enforce"]),
  reregistration: v.picklist(["name", "machine_key"]),
  /** Machines that people enrol wait for an admin; those of auth keys do not (contract 7.3, C1). */
  approval_required: v.boolean(),
  /** Agents do without super-packets: TUN offloads, UDP GSO and GRO. */
  disable_offloads: v.boolean(),
  machine_quota: v.nullable(v.number()),
  address_pool: v.nullable(v.string()),
});
export type OrgSettings = v.InferOutput<typeof orgSettingsSchema>;
