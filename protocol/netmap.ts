import * as v from "valibot";
import { machineIdSchema, orgIdSchema } from "./ids.ts";

/** Another machine as an agent needs it. */
export const peerSchema = v.object({
  id: machineIdSchema,
  name: v.string(),
  tailnet_ip: v.string(),
  /** WireGuard public key, base64. */
  public_key: v.string(),
  /** Prefixes this peer may send from and is sent to. */
  allowed_ips: v.array(v.string()),
  /** `ip:port` of its own UDP sockets. */
  endpoints: v.array(v.string()),
  /** Code of the relay region it listens on, or null when it has none yet. */
  relay_region: v.nullable(v.string()),
  online: v.boolean(),
  os: v.nullable(v.string()),
});
export type Peer = v.InferOutput<typeof peerSchema>;

export const relayRegionSchema = v.object({
  id: v.number(),
  region_code: v.string(),
  region_name: v.string(),
  hostname: v.string(),
  ipv4: v.nullable(v.string()),
  stun_port: v.number(),
  derp_port: v.number(),
  /** Lower is preferred. */
  priority: v.number(),
});
export type RelayRegion = v.InferOutput<typeof relayRegionSchema>;

/** Admission to the org's relays for one WireGuard key. Secret for `expires_in` seconds; `expires_at` is the server's clock. */
export const relayTicketSchema = v.object({ ticket: v.string(), expires_at: v.string(), expires_in: v.number() });
export type RelayTicket = v.InferOutput<typeof relayTicketSchema>;

/** What a machine lets in, takes and offers, as itself and admins have set it. */
export const machineFlagsSchema = v.object({
  /** Nothing gets in that this machine did not ask for. */
  shields_up: v.optional(v.boolean(), false),
  ssh_enabled: v.optional(v.boolean(), false),
  /** It uses the routes of its peers. */
  accept_routes: v.optional(v.boolean(), false),
  advertise_exit_node: v.optional(v.boolean(), false),
  exit_node_approved: v.optional(v.boolean(), false),
  /** IP prefixes it offers to carry, and those an admin has approved. */
  advertised_routes: v.optional(v.array(v.string()), []),
  approved_routes: v.optional(v.array(v.string()), []),
});
export type MachineFlags = v.InferOutput<typeof machineFlagsSchema>;

/** What a machine gets to see: nobody, its peers, or the prefixes these carry as well. */
export const viewSchema = v.picklist(["apart", "plain", "routed"]);
export type View = v.InferOutput<typeof viewSchema>;

/** The agent's own record. */
export const selfSchema = v.object({
  ...machineFlagsSchema.entries,
  id: machineIdSchema,
  name: v.string(),
  tailnet_ip: v.string(),
  /** The org's whole address range; the agent routes it to its tunnel. */
  address_pool: v.string(),
  status: v.picklist(["pending", "online", "offline", "quarantined"]),
  mtu_bytes: v.number(),
  view: v.optional(viewSchema),
  /** The org wants its agents to do without super-packets (TUN offloads, UDP GSO and GRO). */
  disable_offloads: v.optional(v.boolean()),
});

/** Everything an agent needs to carry packets. */
export const netMapSchema = v.object({
  /** Names the state of the org that the map shows; later ones have greater numbers. */
  seq: v.number(),
  org: v.object({ id: orgIdSchema, name: v.string(), slug: v.string() }),
  self: selfSchema,
  peers: v.array(peerSchema),
  relays: v.array(relayRegionSchema),
  timings: v.object({ heartbeat_s: v.number(), direct_attempt_s: v.number(), direct_retry_s: v.number() }),
});
export type NetMap = v.InferOutput<typeof netMapSchema>;

/**
 * A change of the map. `since` is the sequence number it builds on: an agent whose map is older asks for a whole one.
 * Changes that do not concern this agent leave both lists empty and are not sent; `since` then spans them.
 */
export const netMapDeltaSchema = v.object({
  since: v.number(),
  seq: v.number(),
  self: v.optional(selfSchema),
  upsert: v.array(peerSchema),
  remove: v.array(machineIdSchema),
});
export type NetMapDelta = v.InferOutput<typeof netMapDeltaSchema>;

/** The map of an agent that still has the one of `since`: all but the peers, and of these what changed. */
export const resumedMapSchema = v.object({
  since: v.number(),
  map: v.omit(netMapSchema, ["peers"]),
  upsert: v.array(peerSchema),
  remove: v.array(machineIdSchema),
});
export type ResumedMap = v.InferOutput<typeof resumedMapSchema>;
