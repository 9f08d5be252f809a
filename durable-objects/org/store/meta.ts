type MetaKey =
  | "org_id"
  | "name"
  | "slug"
  | "rev"
  | "synced_rev"
  | "next_address"
  | "machine_count"
  | "machine_quota"
  | "address_pool"
  | "reregistration";

export function readMeta(sql: SqlStorage, key: MetaKey): string | number | undefined {
  const [row] = sql.exec<{ value: string | number }>("SELECT value FROM meta WHERE key = ?", key).toArray();
  return row?.value;
}

export function readNumber(sql: SqlStorage, key: MetaKey): number {
  return Number(readMeta(sql, key) ?? 0);
}

export function writeMeta(sql: SqlStorage, key: MetaKey, value: string | number): void {
  sql.exec(
    "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
    key,
    value,
  );
}

/** Adds to a counter and returns its new value. */
export function bumpMeta(sql: SqlStorage, key: "rev" | "machine_count", by: number): number {
  const bumped = sql.exec<{ value: number }>(
    "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = value + ?2 RETURNING value",
    key,
    by,
  );
  return bumped.one().value;
}

/** The object's revision counter: every changed row takes the next number, and the projection follows it. */
export function nextRev(sql: SqlStorage): number {
  return bumpMeta(sql, "rev", 1);
}
