/** What `ztna netcheck` finds out about the network this machine is in. */
export interface NetCheck {
  /** A UDP socket opens and sends. Whether answers come back from outside is not known without STUN. */
  readonly udp: boolean;
  readonly ipv4: boolean;
  readonly ipv6: boolean;
  /** `ip:port` or `[ip6]:port` of this machine on its own networks. */
  readonly local_endpoints: readonly string[];
  /** Code of the region with the shortest round trip, null when none answers. */
  readonly nearest_derp: string | null;
  readonly derp_regions: readonly {
    readonly region_code: string;
    readonly region_name: string;
    /** Round trip in milliseconds, null when it does not answer. */
    readonly latency_ms: number | null;
  }[];
  readonly stun_status: "not configured";
  readonly public_ip: null;
  readonly public_port: null;
}
