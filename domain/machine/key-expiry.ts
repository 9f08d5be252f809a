/** A machine's node key and what bears on its end. */
export interface NodeKeyAge {
  /** Milliseconds: when it was issued. */
  readonly keyCreatedAt: number;
  readonly expiryDisabled: boolean;
}

export function isKeyExpired({ keyCreatedAt, expiryDisabled }: NodeKeyAge, lifetimeMs: number, now: number): boolean {
  return !expiryDisabled && keyCreatedAt + lifetimeMs <= now;
}
