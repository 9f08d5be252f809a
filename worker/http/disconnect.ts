import { orgRoutingTag } from "#protocol/ids.ts";
import type { AppContext } from "../context.ts";
import { unwrap } from "./unwrap.ts";

/**
 * Closes the live sockets of who asks, in all their orgs, after a session of theirs was ended: they were admitted once and
 * would go on. The session has ended whether or not that works.
 */
export async function disconnect(c: AppContext): Promise<void> {
  const { id, roles } = c.get("user");
  const told = await Promise.allSettled(
    [...roles.keys()].map(async (orgId) => unwrap(await c.env.ORG.getByName(orgRoutingTag(orgId)).disconnect(id))),
  );
  for (const outcome of told) {
    if (outcome.status === "fulfilled") continue;
    const error = String(outcome.reason);
    console.error(JSON.stringify({ event: "disconnect.failed", requestId: c.get("requestId"), error }));
  }
}
