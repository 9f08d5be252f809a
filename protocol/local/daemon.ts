import * as v from "valibot";
import { endpoint } from "../api/endpoint.ts";
import { machineTelemetrySchema } from "../api/machines.ts";
import { machineFlagsSchema } from "../netmap.ts";

/** What the CLI asks of the running agent, as HTTP over a unix socket that only its owner can open. */

export const agentStatusSchema = v.object({
  version: v.string(),
  pid: v.number(),
  /** WireGuard public key as 64 hex digits. */
  node_key: v.string(),
  authenticated: v.boolean(),
  machine: v.nullable(v.object({ id: v.string(), name: v.string(), tailnet_ip: v.string() })),
  org_id: v.nullable(v.string()),
  api_url: v.string(),
  os: v.string(),
  mode: v.picklist(["TUN (kernel)", "userspace", "disconnected"]),
  interface: v.nullable(v.string()),
  derp_region: v.nullable(v.string()),
  control: v.picklist(["connected", "connecting", "unreachable", "refused"]),
  relay: v.picklist(["connected", "connecting", "unreachable"]),
  /** What this machine lets in, takes and offers; null until the control plane has said so. */
  flags: v.nullable(machineFlagsSchema),
  /** What it has told the control plane of its network; without what it does not know. */
  network: v.optional(v.pick(machineTelemetrySchema, ["public_endpoint", "connectivity", "derp_latencies"]), {}),
  /** One sentence for a person when something is wrong. */
  problem: v.nullable(v.string()),
});
export type AgentStatus = v.InferOutput<typeof agentStatusSchema>;

export const agentPeerSchema = v.object({
  id: v.string(),
  name: v.string(),
  tailnet_ip: v.string(),
  public_key: v.string(),
  online: v.boolean(),
  derp_region: v.nullable(v.string()),
  path: v.picklist(["direct", "relay", "none"]),
  /** `ip:port` in use, or `[DERP]`, or empty. */
  endpoint: v.string(),
  routes: v.array(v.string()),
  /** ISO 8601, or null when there was no handshake yet. */
  last_handshake: v.nullable(v.string()),
  tx_bytes: v.number(),
  rx_bytes: v.number(),
});
export type AgentPeer = v.InferOutput<typeof agentPeerSchema>;

const count = v.number();

export const agentMetricsSchema = v.object({
  version: v.string(),
  uptime_s: v.number(),
  /** Names of what seals packets and of what does handshakes. */
  engine: v.string(),
  x25519: v.string(),
  control_connected: v.boolean(),
  relay_connected: v.boolean(),
  peer_count: v.object({ direct: count, relay: count, none: count }),
  tx_bytes: count,
  rx_bytes: count,
  tx_packets: count,
  rx_packets: count,
  handshakes: count,
  /** Packets by the reason they were dropped for. */
  drops: v.record(v.string(), count),
  /** Reads, writes and messages; those that start with "offload." are 1 while in use. */
  io: v.record(v.string(), count),
  peers: v.array(
    v.object({
      name: v.string(),
      tx_bytes: count,
      rx_bytes: count,
      tx_packets: count,
      rx_packets: count,
      handshakes: count,
    }),
  ),
});
export type AgentMetrics = v.InferOutput<typeof agentMetricsSchema>;

export const localStatus = endpoint({
  method: "GET",
  path: "/status",
  caller: "anyone",
  request: v.object({}),
  response: agentStatusSchema,
  refusals: [],
});

export const localPeers = endpoint({
  method: "GET",
  path: "/peers",
  caller: "anyone",
  request: v.object({}),
  response: v.array(agentPeerSchema),
  refusals: [],
});

export const localMetrics = endpoint({
  method: "GET",
  path: "/metrics",
  caller: "anyone",
  request: v.object({}),
  response: agentMetricsSchema,
  refusals: [],
});

/** One probe through the tunnel: an ICMP echo to the peer's tailnet address. */
export const localPing = endpoint({
  method: "POST",
  path: "/ping",
  caller: "anyone",
  request: v.object({ target: v.string(), timeout_ms: v.pipe(v.number(), v.minValue(1), v.maxValue(60_000)) }),
  response: v.object({
    outcome: v.picklist(["reply", "timeout", "unreachable"]),
    ms: v.number(),
    via: v.picklist(["direct", "relayed", "tunnel"]),
    tailnet_ip: v.string(),
  }),
  refusals: ["NOT_FOUND"],
});

export const localDown = endpoint({
  method: "POST",
  path: "/down",
  caller: "anyone",
  request: v.object({}),
  response: v.object({ pid: v.number(), offline_reported: v.boolean() }),
  refusals: [],
});
