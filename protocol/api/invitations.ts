import * as v from "valibot";
import { invitationIdSchema, orgIdSchema, userIdSchema } from "../ids.ts";
import { emailSchema } from "./auth.ts";
import { endpoint } from "./endpoint.ts";
import { organizationSchema, roleSchema } from "./orgs.ts";

/** Page of the dashboard that a person with an invitation opens; the token follows. */
export const INVITATION_PATH = "/invite/";

export const invitationStatuses = ["pending", "accepted", "revoked"] as const;

/** An invitation as lists show it; times are ISO 8601. A pending one whose time is over cannot be accepted any more. */
export const invitationSchema = v.object({
  id: invitationIdSchema,
  org_id: orgIdSchema,
  email: v.string(),
  role: roleSchema,
  status: v.picklist(invitationStatuses),
  invited_by: v.nullable(userIdSchema),
  expires_at: v.string(),
  created_at: v.string(),
});
export type Invitation = v.InferOutput<typeof invitationSchema>;

const common = { method: "POST", path: "/api/org-management", caller: "user" } as const;
const refusals = ["UNAUTHORIZED", "FORBIDDEN", "MISSING_FIELDS", "INVALID_INPUT"] as const;

export const inviteMember = endpoint({
  ...common,
  action: "invite_member",
  status: 201,
  request: v.object({
    org_id: orgIdSchema,
    email: emailSchema,
    role: v.optional(v.string("role must be a string"), "member"),
  }),
  response: v.object({
    invitation_id: invitationIdSchema,
    /** This answer and the mail are the only places where the token ever appears. */
    token: v.string(),
    link: v.string(),
    email: v.string(),
    role: roleSchema,
    expires_at: v.string(),
    /** False when no mail provider is set up or it failed: the link is then to be handed over by other means. */
    email_sent: v.boolean(),
  }),
  refusals: [
    ...refusals,
    ...["INVALID_ROLE", "DUPLICATE_INVITATION", "ALREADY_MEMBER", "PLAN_LIMIT_REACHED", "RATE_LIMITED"] as const,
  ],
});

export const listInvitations = endpoint({
  ...common,
  action: "list_invitations",
  request: v.object({ org_id: orgIdSchema }),
  response: v.array(invitationSchema),
  refusals,
});

export const revokeInvitation = endpoint({
  ...common,
  action: "revoke_invitation",
  request: v.object({ org_id: orgIdSchema, invitation_id: invitationIdSchema }),
  response: v.object({ revoked: invitationIdSchema }),
  refusals: [...refusals, "NOT_FOUND", "INVALID_STATE"],
});

const bearer = v.object({ token: v.string("token must be a string") });

/** What somebody with the link may know before logging in. */
export const showInvitation = endpoint({
  method: "POST",
  path: "/api/invitation",
  caller: "anyone",
  request: bearer,
  response: v.object({ org_name: v.string(), email: v.string(), role: roleSchema, expires_at: v.string() }),
  refusals: ["MISSING_FIELDS", "INVALID_INPUT", "INVALID_INVITATION"],
});

export const acceptInvitation = endpoint({
  method: "POST",
  path: "/api/accept-invitation",
  caller: "user",
  request: bearer,
  response: v.object({
    org_id: orgIdSchema,
    role: roleSchema,
    organization: v.object({ ...organizationSchema.entries, role: roleSchema }),
  }),
  refusals: [
    ...["UNAUTHORIZED", "MISSING_FIELDS", "INVALID_INPUT"] as const,
    ...["INVALID_INVITATION", "EMAIL_MISMATCH", "ALREADY_MEMBER"] as const,
  ],
});
