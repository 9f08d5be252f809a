/** A machine's node key and what bears on its end. */
export interface NodeKeyAge {
  /** Milliseconds: when it was issued. */
  readonly keyCreatedAt: number;
  readonly expiryDisabled: boolean;
}

const DAY_MS = 86_400_000;

export function keyLifetimeMs(keyExpiryDays: number): number {
  return keyExpiryDays * DAY_MS;
}

export function isKeyExpired(
  { keyCreatedAt, expiryDisabled }: NodeKeyAge,
  keyExpiryDays: number,
  now: number,
): boolean {
  return !expiryDisabled && keyCreatedAt + keyLifetimeMs(keyExpiryDays) <= now;
}
