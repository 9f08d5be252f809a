import { auditLogs } from "./audit-logs.ts";
import { authKeys } from "./auth-keys.ts";
import { machines } from "./machines.ts";
import { orgInvitations } from "./org-invitations.ts";
import { orgMembers } from "./org-members.ts";
import { orgSettings } from "./org-settings.ts";
import { organizations } from "./organizations.ts";
import type { Table } from "./table.ts";

/** Every table of `/api/db`, by the name in the path. */
export const tables: Readonly<Record<string, Table>> = {
  audit_logs: auditLogs,
  auth_keys: authKeys,
  machines,
  org_invitations: orgInvitations,
  org_members: orgMembers,
  org_settings: orgSettings,
  organizations,
};
