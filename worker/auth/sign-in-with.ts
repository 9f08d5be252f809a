import { ZtnaError } from "#protocol/errors.ts";
import type { UserId } from "#protocol/ids.ts";
import type { User } from "../context.ts";
import type { Database } from "../db/database.ts";
import { claimAccount, findUserByIdentity, insertIdentity } from "../db/identities.ts";
import { findUserByEmail, insertUser } from "../db/users.ts";
import type { Identity } from "./identity-provider.ts";

/** The person an identity stands for: known by it, known by a verified e-mail address, or new. */
export async function signInWith(db: Database, identity: Identity, now: number): Promise<User> {
  const { provider, subject } = identity;
  const known = await findUserByIdentity(db, identity);
  if (known !== undefined) return { id: known.id as UserId, email: known.email };
  if (identity.email === undefined || !identity.emailVerified) throw new ZtnaError("EMAIL_NOT_VERIFIED");
  const user = await findOrInsert(db, identity.email.trim().toLowerCase(), identity.fullName, now);
  await insertIdentity(db, { provider, subject, userId: user.id, createdAt: now });
  return user;
}

async function findOrInsert(db: Database, email: string, fullName: string | undefined, now: number): Promise<User> {
  const user = { id: crypto.randomUUID() as UserId, email };
  const row = { ...user, fullName: fullName?.trim().slice(0, 100) || null, emailVerifiedAt: now, createdAt: now };
  if (await insertUser(db, row)) return user;
  const existing = await findUserByEmail(db, email);
  if (existing === undefined) throw new ZtnaError("CONFLICT");
  if (existing.emailVerifiedAt === null) await claimAccount(db, existing.id, now);
  return { id: existing.id as UserId, email };
}
