import type { Hono } from "hono";
import { secretHash } from "#domain/secrets/routed-secret.ts";
import { login, logout, me, refresh, signup } from "#protocol/api/auth.ts";
import { ZtnaError } from "#protocol/errors.ts";
import type { UserId } from "#protocol/ids.ts";
import { clientIp } from "../auth/client-ip.ts";
import { openSession } from "../auth/open-session.ts";
import { hashPassword, verifyPassword } from "../auth/password.ts";
import { recordLogin } from "../auth/record-login.ts";
import { clearRefreshCookie, readRefreshToken } from "../auth/refresh-cookie.ts";
import { database } from "../db/database.ts";
import { countHit } from "../db/rate-limits.ts";
import { deleteRefreshTokenFamily, redeemRefreshToken } from "../db/refresh-tokens.ts";
import { clearFailedLogins, findUser, findUserByEmail, insertUser, recordFailedLogin } from "../db/users.ts";
import type { AppEnv } from "../context.ts";
import { mount } from "../http/mount.ts";

export function authRoutes(app: Hono<AppEnv>): void {
  mount(app, signup, async (input, c) => {
    const { limits, timings } = c.get("config");
    const now = Date.now();
    const subject = clientIp(c);
    const limit = {
      scope: "signup_ip",
      subject,
      limit: limits.signup_per_ip,
      windowS: timings.signup_window_s,
    } as const;
    await countHit(database(c), limit, now);
    const user = { id: crypto.randomUUID() as UserId, email: input.email };
    const passwordHash = await hashPassword(input.password, limits.scrypt_log2_n);
    const row = { ...user, passwordHash, fullName: input.full_name ?? null, createdAt: now };
    if (!(await insertUser(database(c), row))) throw new ZtnaError("CONFLICT", "Email already in use");
    return await openSession(c, user);
  });

  mount(app, login, async (input, c) => {
    const { limits, timings } = c.get("config");
    const db = database(c);
    const now = Date.now();
    const windowS = timings.login_window_s;
    await countHit(db, { scope: "login_ip", subject: clientIp(c), limit: limits.login_per_ip, windowS }, now);
    const user = await findUserByEmail(db, input.email);
    if (user !== undefined && user.lockedUntil > now) {
      throw new ZtnaError("ACCOUNT_LOCKED", undefined, { details: { retry_after_s: (user.lockedUntil - now) / 1000 } });
    }
    await countHit(db, { scope: "login_email", subject: input.email, limit: limits.login_per_email, windowS }, now);
    const stored = user?.passwordHash ?? undefined;
    if (!(await verifyPassword(input.password, stored, limits.scrypt_log2_n)) || user === undefined) {
      const lockUntil = now + timings.account_lock_s * 1000;
      // Also for an unknown e-mail, where it changes nothing: the time taken must not tell who has an account.
      await recordFailedLogin(db, user?.id ?? "", limits.login_failures_before_lock, lockUntil);
      await recordLogin(c, "auth.login_failed", user?.id ?? "", "password");
      throw new ZtnaError("INVALID_CREDENTIALS");
    }
    if (user.failedLogins > 0) await clearFailedLogins(db, user.id);
    await recordLogin(c, "auth.login", user.id, "password");
    return await openSession(c, { id: user.id as UserId, email: user.email });
  });

  mount(app, refresh, async (input, c) => {
    const presented = readRefreshToken(c, input.refresh_token);
    if (presented === undefined) throw new ZtnaError("MISSING_TOKEN");
    const db = database(c);
    const hash = secretHash(presented.token);
    const redeemed = await redeemRefreshToken(db, hash, Date.now());
    const user = redeemed && await findUser(db, redeemed.userId as UserId);
    if (redeemed === undefined || user === undefined) {
      // A used token that comes back was copied: whoever holds its successor is signed out as well.
      await deleteRefreshTokenFamily(db, hash);
      clearRefreshCookie(c);
      throw new ZtnaError("INVALID_TOKEN");
    }
    const session = await openSession(c, { id: user.id as UserId, email: user.email }, redeemed);
    // What came by cookie stays out of reach of the page's scripts.
    return presented.isCookie ? { ...session, refresh_token: "" } : session;
  });

  mount(app, logout, async (input, c) => {
    const presented = readRefreshToken(c, input.refresh_token);
    if (presented !== undefined) await deleteRefreshTokenFamily(database(c), secretHash(presented.token));
    clearRefreshCookie(c);
    return { logged_out: true as const };
  });

  mount(app, me, async (_, c) => {
    const user = await findUser(database(c), c.get("user").id);
    if (user === undefined) throw new ZtnaError("UNAUTHORIZED", "Invalid or expired token");
    return { id: user.id as UserId, email: user.email, full_name: user.fullName, avatar_url: null };
  });
}
