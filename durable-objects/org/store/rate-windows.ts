import { ZtnaError } from "#protocol/errors.ts";

export interface RateWindow {
  readonly scope: "register_ip" | "register_key";
  readonly subject: string;
  /** Hits per window; 0 means no limit. */
  readonly limit: number;
  readonly windowS: number;
}

/** Counts one hit in a fixed window and refuses when there were too many. */
export function countHit(sql: SqlStorage, { scope, subject, limit, windowS }: RateWindow, now: number): void {
  if (limit === 0) return;
  const row = sql.exec<{ hits: number; ends_at: number }>(
    `INSERT INTO rate_windows (scope, subject, ends_at, hits) VALUES (?1, ?2, ?3 + ?4, 1)
     ON CONFLICT (scope, subject) DO UPDATE SET
       hits = CASE WHEN ends_at <= ?3 THEN 1 ELSE hits + 1 END,
       ends_at = CASE WHEN ends_at <= ?3 THEN excluded.ends_at ELSE ends_at END
     RETURNING hits, ends_at`,
    scope,
    subject,
    now,
    Math.round(windowS * 1000),
  ).one();
  if (row.hits > limit) {
    throw new ZtnaError("RATE_LIMITED", undefined, { details: { retry_after_s: (row.ends_at - now) / 1000 } });
  }
}
