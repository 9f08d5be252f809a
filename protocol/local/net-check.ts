import * as v from "valibot";
import { endpoint } from "../api/endpoint.ts";

/** What `ztna netcheck` finds out about the network this machine is in. */
export const netCheckSchema = v.object({
  /** A STUN server answers; where none is configured, a UDP socket opens and sends. */
  udp: v.boolean(),
  ipv4: v.boolean(),
  ipv6: v.boolean(),
  /** `ip:port` or `[ip6]:port` of this machine on its own networks. */
  local_endpoints: v.array(v.string()),
  /** Code of the region with the shortest round trip, null when none answers. */
  nearest_derp: v.nullable(v.string()),
  derp_regions: v.array(v.object({
    region_code: v.string(),
    region_name: v.string(),
    /** Round trip in milliseconds, null when it does not answer. */
    latency_ms: v.nullable(v.number()),
  })),
  stun_status: v.picklist(["ok", "no answer", "not configured"]),
  /** The one that answered first. */
  stun_server: v.nullable(v.string()),
  /** As that server sees a socket of this machine. */
  public_ip: v.nullable(v.string()),
  public_port: v.nullable(v.number()),
  /** Whether a socket has the same port on both sides of the network's edge; null when that is not known. */
  port_kept: v.nullable(v.boolean()),
  /** Whether servers see one socket at different ports; null with fewer than two answers. */
  mapping_varies: v.nullable(v.boolean()),
  /** Why the list of relays is not that of the control plane, null when it is. */
  control_problem: v.nullable(v.string()),
});
export type NetCheck = v.InferOutput<typeof netCheckSchema>;

/** Measures anew. */
export const localNetCheck = endpoint({
  method: "POST",
  path: "/netcheck",
  caller: "anyone",
  request: v.object({}),
  response: netCheckSchema,
  refusals: [],
});
