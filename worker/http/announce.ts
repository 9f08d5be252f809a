import { type OrgId, orgRoutingTag } from "#protocol/ids.ts";
import type { RealtimeChannel, RealtimeEvent } from "#protocol/realtime.ts";
import type { AppContext } from "../context.ts";
import { unwrap } from "./unwrap.ts";

/**
 * Tells an org's dashboards of a row that a route has just written to D1; the payload is the row as its list shows it. The
 * write stands whether or not anybody hears of it.
 */
export async function announce(
  c: AppContext,
  orgId: OrgId,
  channel: RealtimeChannel,
  event: RealtimeEvent["event"],
  payload: Record<string, unknown>,
): Promise<void> {
  try {
    unwrap(await c.env.ORG.getByName(orgRoutingTag(orgId)).announce(channel, event, payload));
  } catch (error) {
    console.error(JSON.stringify({ event: "announce.failed", requestId: c.get("requestId"), error: String(error) }));
  }
}
