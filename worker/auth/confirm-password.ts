import { ZtnaError } from "#protocol/errors.ts";
import type { AppContext } from "../context.ts";
import { database } from "../db/database.ts";
import { countHit } from "../db/rate-limits.ts";
import { isSessionYounger } from "../db/refresh-tokens.ts";
import { findUser, type UserRow } from "../db/users.ts";
import { verifyPassword } from "./password.ts";

/**
 * The account of who asks, once they have shown again that it is theirs: by its password or, where it has none, by a login of a
 * few minutes ago. Tries are counted per person.
 */
export async function confirmPassword(c: AppContext, password: string): Promise<UserRow> {
  const { limits, timings } = c.get("config");
  const db = database(c);
  const now = Date.now();
  const { id, sessionId } = c.get("user");
  const tries = { limit: limits.change_password_per_user, windowS: timings.change_password_window_s };
  await countHit(db, { scope: "change_password_user", subject: id, ...tries }, now);
  const user = await findUser(db, id);
  if (user === undefined) throw new ZtnaError("UNAUTHORIZED", "Invalid or expired token");
  if (user.passwordHash !== null) {
    if (await verifyPassword(password, user.passwordHash, limits.scrypt_log2_n)) return user;
    throw new ZtnaError("INVALID_PASSWORD");
  }
  if (await isSessionYounger(db, sessionId, now - timings.fresh_login_s * 1000)) return user;
  throw new ZtnaError("INVALID_STATE", "This account has no password. Sign in again first.");
}
