import { sql } from "drizzle-orm";
import { ZtnaError } from "#protocol/errors.ts";
import type { Database } from "./database.ts";
import { rateLimits } from "./schema/rate-limits.ts";

export interface RateLimit {
  readonly scope:
    | "signup_ip"
    | "login_ip"
    | "login_email"
    | "cli_login_user"
    | "oauth_ip"
    | "change_password_user"
    | "invitation_org";
  readonly subject: string;
  /** Hits per window; 0 means no limit. */
  readonly limit: number;
  readonly windowS: number;
}

/** Counts one hit in a fixed window, in one statement, and refuses when there were too many. */
export async function countHit(
  db: Database,
  { scope, subject, limit, windowS }: RateLimit,
  now: number,
): Promise<void> {
  if (limit === 0) return;
  const fresh = now + windowS * 1000;
  const over = sql`${rateLimits.windowEndsAt} <= ${now}`;
  const [row] = await db.insert(rateLimits).values({ scope, subject, windowEndsAt: fresh, hits: 1 })
    .onConflictDoUpdate({
      target: [rateLimits.scope, rateLimits.subject],
      set: {
        hits: sql`CASE WHEN ${over} THEN 1 ELSE ${rateLimits.hits} + 1 END`,
        windowEndsAt: sql`CASE WHEN ${over} THEN ${fresh} ELSE ${rateLimits.windowEndsAt} END`,
      },
    })
    .returning();
  if (row !== undefined && row.hits > limit) {
    throw new ZtnaError("RATE_LIMITED", undefined, { details: { retry_after_s: (row.windowEndsAt - now) / 1000 } });
  }
}
