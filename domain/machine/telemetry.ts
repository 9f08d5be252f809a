import type { DerpLatencies, MachineTelemetry } from "#protocol/api/machines.ts";

/** The telemetry in a message that holds other things too. */
export function telemetryOf(message: MachineTelemetry): MachineTelemetry {
  const { os_version_detail, public_endpoint, connectivity, derp_latencies } = message;
  return { os_version_detail, public_endpoint, connectivity, derp_latencies };
}

/** Below this a change of latency is noise. */
const LEAST_CHANGE_MS = 10;

/**
 * The latencies to keep: the stored ones, unless a region is new or gone, or one has moved by more than half of its stored
 * value and by 10 ms at least. An idle machine whose latencies wobble so costs no write.
 */
export function latenciesToKeep(stored: DerpLatencies | null, reported: DerpLatencies): DerpLatencies {
  if (stored === null) return reported;
  const regions = Object.keys(reported);
  const sameRegions = regions.length === Object.keys(stored).length && regions.every((region) => region in stored);
  return sameRegions && regions.every((region) => isNear(stored[region]!, reported[region]!)) ? stored : reported;
}

function isNear(stored: number, reported: number): boolean {
  return Math.abs(reported - stored) <= Math.max(LEAST_CHANGE_MS, stored / 2);
}
