/** A machine's node key and what bears on its end. */
export interface NodeKeyAge {
  /** Milliseconds: when it was issued. */
  readonly keyCreatedAt: number;
  readonly expiryDisabled: boolean;
}

const DAY_MS = 86_400_000;

/** When the node key ends, in milliseconds; undefined for one that never does. */
export function keyExpiresAt({ keyCreatedAt, expiryDisabled }: NodeKeyAge, keyExpiryDays: number): number | undefined {
  return expiryDisabled ? undefined : keyCreatedAt + keyExpiryDays * DAY_MS;
}

export function isKeyExpired(age: NodeKeyAge, keyExpiryDays: number, now: number): boolean {
  return (keyExpiresAt(age, keyExpiryDays) ?? Infinity) < now;
}
