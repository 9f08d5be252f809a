import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { Hono } from "hono";
import { secretHash } from "#domain/secrets/routed-secret.ts";
import { authorizeCliLogin, completeCliLogin } from "#protocol/api/cli-login.ts";
import { ZtnaError } from "#protocol/errors.ts";
import type { UserId } from "#protocol/ids.ts";
import { clientIp } from "../auth/client-ip.ts";
import { openSession } from "../auth/open-session.ts";
import { recordLogin } from "../auth/record-login.ts";
import type { AppEnv } from "../context.ts";
import { insertCliLogin, takeCliLogin } from "../db/cli-logins.ts";
import { database } from "../db/database.ts";
import { countHit } from "../db/rate-limits.ts";
import { findUser } from "../db/users.ts";
import { mountActions } from "../http/mount.ts";

export function cliLoginRoutes(app: Hono<AppEnv>): void {
  mountActions(app, [
    [authorizeCliLogin, async ({ code_challenge }, c) => {
      const { limits, timings } = c.get("config");
      const db = database(c);
      const now = Date.now();
      const { id: userId } = c.get("user");
      const most = { limit: limits.cli_login_per_user, windowS: timings.login_window_s };
      await countHit(db, { scope: "cli_login_user", subject: userId, ...most }, now);
      const code = randomBytes(32).toString("base64url");
      const expiresAt = now + timings.cli_code_s * 1000;
      await insertCliLogin(db, { codeHash: secretHash(code), userId, codeChallenge: code_challenge, expiresAt });
      return { code, expires_in: timings.cli_code_s };
    }],

    [completeCliLogin, async ({ code, code_verifier }, c) => {
      const { limits, timings } = c.get("config");
      const db = database(c);
      const now = Date.now();
      const most = { limit: limits.login_per_ip, windowS: timings.login_window_s };
      await countHit(db, { scope: "login_ip", subject: clientIp(c), ...most }, now);
      // A wrong verifier uses the code up too: whoever has only one half gets no second try.
      const login = await takeCliLogin(db, secretHash(code));
      const isGood = login !== undefined && login.expiresAt > now && isVerifier(code_verifier, login.codeChallenge);
      const user = isGood ? await findUser(db, login.userId as UserId) : undefined;
      if (user === undefined) throw new ZtnaError("INVALID_CODE");
      await recordLogin(c, "auth.login", user.id, "cli");
      return await openSession(c, { id: user.id as UserId, email: user.email });
    }],
  ]);
}

function isVerifier(verifier: string, challenge: string): boolean {
  const hash = createHash("sha256").update(verifier).digest();
  const expected = Buffer.from(challenge, "base64url");
  return expected.length === hash.length && timingSafeEqual(hash, expected);
}
