import type { AuthKey } from "#protocol/api/auth-keys.ts";
import type { Tone } from "../../ui/badge.tsx";

export type KeyState = "active" | "expires_soon" | "expired" | "used" | "revoked";

export const keyStateLabels: Record<KeyState, { text: string; tone: Tone }> = {
  active: { text: "Active", tone: "ok" },
  expires_soon: { text: "Expires soon", tone: "warn" },
  expired: { text: "Expired", tone: "idle" },
  used: { text: "Used up", tone: "idle" },
  revoked: { text: "Revoked", tone: "bad" },
};

const SOON_MS = 7 * 86_400_000;

/** What a key can still do at a time in milliseconds since 1970. */
export function keyState(
  key: Pick<AuthKey, "revoked" | "expired" | "reusable" | "used_count" | "expires_at">,
  now: number,
): KeyState {
  const left = Date.parse(key.expires_at) - now;
  if (key.revoked && !key.expired) return "revoked";
  if (key.expired || left <= 0) return "expired";
  if (!key.reusable && key.used_count > 0) return "used";
  return left < SOON_MS ? "expires_soon" : "active";
}
