import { isKeyExpired } from "#domain/machine/key-expiry.ts";
import type { Change } from "./change.ts";
import { firstAuthKeyEnd, listEndedAuthKeys } from "./store/auth-keys.ts";
import { keyAgeOf, listUnsettledNodeKeys, oldestNodeKey, statusOn } from "./store/machines.ts";
import { keyLifetimeMs } from "./store/org.ts";

/**
 * Takes machines off the network whose node key has come to its end, and lets back in those whose key lives longer than it
 * did. Answers when the next key ends: milliseconds, or undefined when none will.
 */
export function settleNodeKeys(change: Change): number | undefined {
  const { sql, org, now } = change;
  const lifetimeMs = keyLifetimeMs(org);
  for (const row of listUnsettledNodeKeys(sql, now - lifetimeMs)) {
    const expired = isKeyExpired(keyAgeOf(row), lifetimeMs, now);
    const status = expired ? statusOn(row, "node_key_expired") : row.status;
    change.saveMachine(row, { key_expired: Number(expired), status });
    if (!expired) continue;
    const key_created_at = new Date(row.key_created_at).toISOString();
    change.audit("machine.key_expired", "machine", row.id, null, { name: row.name, key_created_at });
  }
  const oldest = oldestNodeKey(sql);
  return oldest === undefined ? undefined : oldest + lifetimeMs;
}

/** Shows auth keys that have come to their end as revoked and expired; their machines stay. Answers when the next one ends. */
export function settleAuthKeys(change: Change): number | undefined {
  for (const key of listEndedAuthKeys(change.sql, change.now)) {
    change.saveKey(key, { revoked: 1, expired: 1 });
    const expires_at = new Date(key.expires_at).toISOString();
    change.audit("auth_key.expired", "auth_key", key.id, null, { name: key.name, expires_at });
  }
  return firstAuthKeyEnd(change.sql);
}
