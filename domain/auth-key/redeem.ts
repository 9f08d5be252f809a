import { type ErrorCode, ZtnaError } from "#protocol/errors.ts";
import { isInPrefixes } from "../addressing/ip-prefix.ts";

export interface RedeemableKey {
  readonly reusable: boolean;
  readonly revoked: boolean;
  readonly usedCount: number;
  /** Milliseconds. */
  readonly expiresAt: number;
  readonly allowedCidrs: readonly string[] | null;
}

export interface Redemption {
  readonly key: RedeemableKey | undefined;
  /** True when the machine key is one this org knows: the same machine asks again, and nothing is consumed. */
  readonly sameMachine: boolean;
  readonly clientIp: string;
  readonly now: number;
}

/** The first refusal of an auth key in the contract's order, or undefined when it may be used. */
export function refuseRedemption({ key, sameMachine, clientIp, now }: Redemption): ErrorCode | undefined {
  if (key === undefined || key.revoked || key.expiresAt <= now) return "INVALID_KEY";
  if (!key.reusable && key.usedCount > 0 && !sameMachine) return "KEY_USED";
  if (key.allowedCidrs !== null && !isInPrefixes(clientIp, key.allowedCidrs)) return "IP_NOT_ALLOWED";
  return undefined;
}

export interface NameHolder {
  readonly machineKey: string | null;
  /** True while its control stream is open. */
  readonly connected: boolean;
  /** An ephemeral machine of the auth key at hand: its name is kept for whoever comes next by that key. */
  readonly passing: boolean;
}

/** Whether a registration under another or no machine key may take over the machine of that name. */
export function mayTakeOver(
  holder: NameHolder,
  machineKey: string | undefined,
  reregistration: "name" | "machine_key",
): boolean {
  if (holder.machineKey !== null && holder.machineKey === machineKey) return true;
  if (holder.connected && holder.machineKey !== null) return false;
  return reregistration === "name" || holder.passing;
}

export function quotaExceeded(limit: number): ZtnaError {
  return new ZtnaError("QUOTA_EXCEEDED", `Machine limit reached (${limit}). Upgrade your plan.`);
}
