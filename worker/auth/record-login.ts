import type { AppContext } from "../context.ts";
import { insertAuditLogOfUser } from "../db/audit-logs.ts";
import { database } from "../db/database.ts";
import { clientIp } from "./client-ip.ts";

/** Puts a login, or the failure of one, on record in every org of the person; of nobody known, nowhere. */
export async function recordLogin(
  c: AppContext,
  action: "auth.login" | "auth.login_failed",
  userId: string,
  method: string,
): Promise<void> {
  const details = { method, ip: clientIp(c) };
  await insertAuditLogOfUser(database(c), { action, userId, details, now: Date.now() });
}
