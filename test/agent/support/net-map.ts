import type { MachineId, OrgId } from "#protocol/ids.ts";
import type { MachineFlags, NetMap, Peer } from "#protocol/netmap.ts";

const flags: MachineFlags = {
  shields_up: false,
  ssh_enabled: false,
  accept_routes: false,
  advertise_exit_node: false,
  exit_node_approved: false,
  advertised_routes: [],
  approved_routes: [],
};

/** A network map for trials; peers have made-up names, ids and keys. */
export function netMap({ seq, peers = [] }: { seq: number; peers?: Peer[] }): NetMap {
  return {
    seq,
    org: { id: "00000000-0000-4000-8000-000000000000" as OrgId, name: "Trial", slug: "trial" },
    self: {
      id: "00000000-0000-4000-8000-000000000001" as MachineId,
      name: "self",
      tailnet_ip: "100.64.0.1",
      address_pool: "100.64.0.0/10",
      status: "online",
      mtu_bytes: 1280,
      ...flags,
    },
    peers,
    relays: [{
      id: 1,
      region_code: "blr1",
      region_name: "Bangalore",
      hostname: "localhost",
      ipv4: null,
      stun_port: 3478,
      derp_port: 443,
      priority: 10,
    }],
    timings: { heartbeat_s: 60, direct_attempt_s: 3, direct_retry_s: 60 },
  };
}

/** A peer named by one letter, with an id, an address and a key of its own. */
export function peer(letter: string, changes: Partial<Peer> = {}): Peer {
  const code = letter.charCodeAt(0);
  return {
    id: `00000000-0000-4000-8000-0000000000${code.toString(16)}` as MachineId,
    name: letter,
    tailnet_ip: `100.64.0.${code}`,
    public_key: new Uint8Array(32).fill(code).toBase64(),
    allowed_ips: [`100.64.0.${code}/32`],
    endpoints: [`192.0.2.${code}:41641`],
    relay_region: "blr1",
    online: true,
    os: "linux",
    ...changes,
  };
}
