import { ZtnaError } from "#protocol/errors.ts";

export interface RateLimit {
  /** Requests per window; 0 means no limit. */
  readonly most: number;
  readonly windowMs: number;
}

/** Counts one request in the subject's fixed window; refuses it, uncounted, when the window is full. */
export function countRequest(sql: SqlStorage, subject: string, { most, windowMs }: RateLimit, now: number): void {
  if (most === 0) return;
  const [row] = sql.exec<{ window_ends_at: number; hits: number }>(
    "SELECT window_ends_at, hits FROM rate_limits WHERE subject = ?",
    subject,
  ).toArray();
  if (row === undefined || row.window_ends_at <= now) {
    sql.exec(
      "INSERT OR REPLACE INTO rate_limits (subject, window_ends_at, hits) VALUES (?, ?, 1)",
      subject,
      now + windowMs,
    );
    return;
  }
  if (row.hits >= most) {
    const retry_after_s = Math.ceil((row.window_ends_at - now) / 1000);
    throw new ZtnaError("RATE_LIMITED", undefined, { details: { retry_after_s } });
  }
  sql.exec("UPDATE rate_limits SET hits = hits + 1 WHERE subject = ?", subject);
}

export function dropEndedWindows(sql: SqlStorage, now: number): void {
  sql.exec("DELETE FROM rate_limits WHERE window_ends_at <= ?", now);
}
