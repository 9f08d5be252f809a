import type { AuthKey } from "#protocol/api/auth-keys.ts";
import type { AuthKeyId, OrgId, UserId } from "#protocol/ids.ts";

/** An auth key as the object keeps it: times in milliseconds, lists as JSON or null for no restriction. */
export type AuthKeyRow = {
  id: AuthKeyId;
  /** SHA-256 of the key's 64 digits in hex. */
  hash: string;
  rev: number;
  name: string;
  key_prefix: string;
  reusable: number;
  ephemeral: number;
  used_count: number;
  expires_at: number;
  revoked: number;
  /** Revoked by the clock alone. */
  expired: number;
  allowed_tags: string | null;
  allowed_cidrs: string | null;
  created_by: UserId | null;
  created_at: number;
};

const columns = [
  "id",
  "hash",
  "rev",
  "name",
  "key_prefix",
  "reusable",
  "ephemeral",
  "used_count",
  "expires_at",
  "revoked",
  "expired",
  "allowed_tags",
  "allowed_cidrs",
  "created_by",
  "created_at",
] as const satisfies (keyof AuthKeyRow)[];

const insertStatement = `INSERT INTO auth_keys (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})`;

export function insertAuthKey(sql: SqlStorage, row: AuthKeyRow): void {
  sql.exec(insertStatement, ...columns.map((column) => row[column]));
}

/** Saves what may change of a key: its uses, its revocation and its end. */
export function saveAuthKey(sql: SqlStorage, row: AuthKeyRow): void {
  sql.exec(
    "UPDATE auth_keys SET rev = ?, used_count = ?, revoked = ?, expired = ? WHERE id = ?",
    row.rev,
    row.used_count,
    row.revoked,
    row.expired,
    row.id,
  );
}

export function findAuthKey(sql: SqlStorage, id: string): AuthKeyRow | undefined {
  return sql.exec<AuthKeyRow>("SELECT * FROM auth_keys WHERE id = ?", id).toArray()[0];
}

export function findAuthKeyByHash(sql: SqlStorage, hash: string): AuthKeyRow | undefined {
  return sql.exec<AuthKeyRow>("SELECT * FROM auth_keys WHERE hash = ?", hash).toArray()[0];
}

export function listAuthKeys(sql: SqlStorage): AuthKeyRow[] {
  return sql.exec<AuthKeyRow>("SELECT * FROM auth_keys ORDER BY created_at, id").toArray();
}

export function listAuthKeysAfter(sql: SqlStorage, rev: number, limit: number): AuthKeyRow[] {
  return sql.exec<AuthKeyRow>("SELECT * FROM auth_keys WHERE rev > ? ORDER BY rev LIMIT ?", rev, limit).toArray();
}

export function listEndedAuthKeys(sql: SqlStorage, now: number): AuthKeyRow[] {
  return sql.exec<AuthKeyRow>("SELECT * FROM auth_keys WHERE revoked = 0 AND expires_at <= ?", now).toArray();
}

/** When the next of the auth keys ends that are not revoked, in milliseconds. */
export function firstAuthKeyEnd(sql: SqlStorage): number | undefined {
  return sql.exec<{ first: number | null }>("SELECT min(expires_at) AS first FROM auth_keys WHERE revoked = 0")
    .one().first ?? undefined;
}

/** The key as the table API and events show it; never its hash. */
export function authKeyOf(row: AuthKeyRow, orgId: OrgId): AuthKey {
  return {
    id: row.id,
    org_id: orgId,
    name: row.name,
    key_prefix: row.key_prefix,
    reusable: row.reusable === 1,
    ephemeral: row.ephemeral === 1,
    used_count: row.used_count,
    expires_at: new Date(row.expires_at).toISOString(),
    revoked: row.revoked === 1,
    expired: row.expired === 1,
    allowed_tags: listOf(row.allowed_tags),
    allowed_cidrs: listOf(row.allowed_cidrs),
    created_by: row.created_by,
    created_at: new Date(row.created_at).toISOString(),
  };
}

export function listOf(json: string | null): string[] | null {
  return json === null ? null : JSON.parse(json) as string[];
}
