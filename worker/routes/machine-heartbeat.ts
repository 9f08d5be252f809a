import type { Hono } from "hono";
import { hasUpdate } from "#domain/release/versions.ts";
import { flagsOf, isCarried } from "#domain/netmap/build.ts";
import { relayTicketFor } from "#domain/relay/machine-ticket.ts";
import { signMachineToken } from "#domain/secrets/machine-token.ts";
import { routingTagOf, secretHash } from "#domain/secrets/routed-secret.ts";
import { machineHeartbeat } from "#protocol/api/machines.ts";
import { telemetryOf } from "#domain/machine/telemetry.ts";
import { ZtnaError } from "#protocol/errors.ts";
import type { AppEnv } from "../context.ts";
import { knownReleases } from "../db/known-releases.ts";
import { mount } from "../http/mount.ts";
import { unwrap } from "../http/unwrap.ts";

export function machineHeartbeatRoutes(app: Hono<AppEnv>): void {
  mount(app, machineHeartbeat, async (input, c) => {
    const { secret, timings } = c.get("config");
    const tag = routingTagOf(secret, "node-key", input.node_key);
    if (tag === undefined) throw new ZtnaError("INVALID_NODE_KEY");
    const nodeKeyHash = secretHash(input.node_key);
    const { machine, map, refused, commands } = unwrap(
      await c.env.ORG.getByName(tag).heartbeat({
        nodeKeyHash,
        host: new URL(c.req.url).hostname,
        status: input.status,
        publicKey: input.wg_public_key,
        endpoints: input.endpoints,
        version: input.version,
        relayRegion: input.relay_region,
        telemetry: telemetryOf(input),
        settings: input.settings,
        commandResults: input.command_results,
      }),
    );
    const { id: machineId, org_id: orgId } = machine;
    const now = Date.now();
    const lifetime = timings.machine_token_s;
    const releases = await knownReleases(c, timings.releases_kept_s * 1000, now);
    return {
      ...map,
      status: map.self.status,
      ...(machine.status === "quarantined" && { quarantined: true }),
      ...(machine.admin_disabled && { admin_disabled: true }),
      ...flagsOf(machine),
      token: signMachineToken(secret, { machineId, orgId, nodeKeyHash, issuedAt: Math.floor(now / 1000), lifetime }),
      expires_in: lifetime,
      now,
      update_available: hasUpdate(machine, releases),
      relay_ticket: isCarried(machine)
        ? relayTicketFor(secret, tag, machine.public_key ?? "", now, timings.relay_ticket_s)
        : null,
      agent_commands: [...commands],
      ...(input.settings && { refused: [...refused] }),
    };
  });
}
