import type { Hono } from "hono";
import { relayTicketFor } from "#domain/relay/machine-ticket.ts";
import { signMachineToken } from "#domain/secrets/machine-token.ts";
import { routingTagOf, secretHash } from "#domain/secrets/routed-secret.ts";
import { machineHeartbeat } from "#protocol/api/machines.ts";
import { ZtnaError } from "#protocol/errors.ts";
import type { AppEnv } from "../context.ts";
import { mount } from "../http/mount.ts";
import { unwrap } from "../http/unwrap.ts";

export function machineHeartbeatRoutes(app: Hono<AppEnv>): void {
  mount(app, machineHeartbeat, async (input, c) => {
    const { secret, timings } = c.get("config");
    const tag = routingTagOf(secret, "node-key", input.node_key);
    if (tag === undefined) throw new ZtnaError("INVALID_NODE_KEY");
    const nodeKeyHash = secretHash(input.node_key);
    const beat = unwrap(
      await c.env.ORG.getByName(tag).heartbeat({
        nodeKeyHash,
        status: input.status,
        publicKey: input.wg_public_key,
        endpoints: input.endpoints,
        version: input.version,
        relayRegion: input.relay_region,
      }),
    );
    const { machineId, orgId } = beat;
    const now = Date.now();
    const lifetime = timings.machine_token_s;
    return {
      status: beat.status,
      ...(beat.quarantined && { quarantined: true }),
      ...(beat.adminDisabled && { admin_disabled: true }),
      peers: beat.peers,
      token: signMachineToken(secret, { machineId, orgId, nodeKeyHash, issuedAt: Math.floor(now / 1000), lifetime }),
      expires_in: lifetime,
      relay_ticket: beat.carried ? relayTicketFor(secret, tag, beat.publicKey, now, timings.relay_ticket_s) : null,
      seq: beat.seq,
    };
  });
}
