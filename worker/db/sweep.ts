import { and, eq, lt } from "drizzle-orm";
import { deleteAuditLogsBefore } from "./audit-logs.ts";
import type { Database } from "./database.ts";
import { cliLogins } from "./schema/cli-logins.ts";
import { oauthStates } from "./schema/oauth-states.ts";
import { orgInvitations } from "./schema/org-invitations.ts";
import { rateLimits } from "./schema/rate-limits.ts";
import { refreshTokens } from "./schema/refresh-tokens.ts";

/** Removes what time has made worthless. */
export async function sweepExpired(db: Database, now: number, auditRetentionMs: number): Promise<void> {
  await db.batch([
    db.delete(refreshTokens).where(lt(refreshTokens.expiresAt, now)),
    db.delete(cliLogins).where(lt(cliLogins.expiresAt, now)),
    db.delete(oauthStates).where(lt(oauthStates.expiresAt, now)),
    db.delete(orgInvitations).where(and(eq(orgInvitations.status, "pending"), lt(orgInvitations.expiresAt, now))),
    db.delete(rateLimits).where(lt(rateLimits.windowEndsAt, now)),
    deleteAuditLogsBefore(db, now - auditRetentionMs),
  ]);
}
