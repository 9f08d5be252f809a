import { expect, test } from "vitest";
import { keyState } from "../../../dashboard/features/auth-keys/key-state.ts";

const now = Date.parse("2026-01-10T12:00:00Z");
const key = { revoked: false, expired: false, reusable: true, used_count: 0, expires_at: "2026-03-01T00:00:00Z" };

test.each(
  [
    ["active", {}],
    ["active", { used_count: 5 }],
    ["active", { reusable: false }],
    ["active", { expires_at: "2026-01-17T12:00:00.001Z" }],
    ["expires_soon", { expires_at: "2026-01-17T11:59:59Z" }],
    ["expired", { expires_at: "2026-01-10T12:00:00Z" }],
    ["expired", { expires_at: "2026-01-09T12:00:00Z", reusable: false, used_count: 1 }],
    ["expired", { revoked: true, expired: true, expires_at: "2026-01-10T11:59:00Z" }],
    ["used", { reusable: false, used_count: 1 }],
    ["revoked", { revoked: true, expires_at: "2026-01-01T00:00:00Z", reusable: false, used_count: 1 }],
  ] as const,
)("a key is %s with %o", (state, change) => {
  expect(keyState({ ...key, ...change }, now)).toBe(state);
});
