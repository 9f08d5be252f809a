import type { Machine } from "#protocol/api/machines.ts";
import type { MachineFlags, NetMap, Peer, View } from "#protocol/netmap.ts";

/** What the network map takes from a machine. */
export type MappedMachine = Pick<
  Machine,
  | "id"
  | "name"
  | "tailnet_ip"
  | "public_key"
  | "endpoints"
  | "relay_region"
  | "status"
  | "os"
  | "admin_disabled"
  | "key_expired"
  | keyof MachineFlags
>;

/** What an org decides for all of its maps. */
export interface MapRules {
  readonly addressPool: string;
  /** Whether machines may carry prefixes for others. */
  readonly subnetRouting: boolean;
  readonly disableOffloads: boolean;
}

export const TUNNEL_MTU_BYTES = 1280;

/** True when others may hear of the machine and it of others: pending, quarantined, disabled and expired ones stand apart. */
export function isCarried({ status, admin_disabled, key_expired }: MappedMachine): boolean {
  return (status === "online" || status === "offline") && !admin_disabled && !key_expired;
}

/** Whether a machine's peers are listed with the routes they carry. */
export function takesRoutes(machine: MappedMachine, rules: MapRules): boolean {
  return machine.accept_routes && rules.subnetRouting;
}

/** A machine as its peers see it. */
export function peerOf(machine: MappedMachine, withRoutes: boolean): Peer {
  const routes = withRoutes ? machine.approved_routes.filter((it) => machine.advertised_routes.includes(it)) : [];
  return {
    id: machine.id,
    name: machine.name,
    tailnet_ip: machine.tailnet_ip,
    public_key: machine.public_key ?? "",
    allowed_ips: [`${machine.tailnet_ip}/32`, ...routes],
    endpoints: machine.endpoints,
    relay_region: machine.relay_region,
    online: machine.status === "online",
    os: machine.os,
  };
}

export function viewOf(machine: MappedMachine, rules: MapRules): View {
  if (!isCarried(machine)) return "apart";
  return takesRoutes(machine, rules) ? "routed" : "plain";
}

export function selfOf(machine: MappedMachine, rules: MapRules): NetMap["self"] {
  return {
    id: machine.id,
    name: machine.name,
    tailnet_ip: machine.tailnet_ip,
    address_pool: rules.addressPool,
    status: machine.admin_disabled ? "offline" : machine.status,
    mtu_bytes: TUNNEL_MTU_BYTES,
    view: viewOf(machine, rules),
    ...(rules.disableOffloads && { disable_offloads: true }),
    ...flagsOf(machine),
  };
}

export function flagsOf(machine: MachineFlags): MachineFlags {
  return {
    shields_up: machine.shields_up,
    ssh_enabled: machine.ssh_enabled,
    accept_routes: machine.accept_routes,
    advertise_exit_node: machine.advertise_exit_node,
    exit_node_approved: machine.exit_node_approved,
    advertised_routes: machine.advertised_routes,
    approved_routes: machine.approved_routes,
  };
}

/** The peers of one machine among all of its org. */
export function peersOf(self: MappedMachine, machines: readonly MappedMachine[], rules: MapRules): Peer[] {
  if (!isCarried(self)) return [];
  const withRoutes = takesRoutes(self, rules);
  return machines.filter((machine) => machine.id !== self.id && isCarried(machine))
    .map((machine) => peerOf(machine, withRoutes));
}

export interface NetMapInput extends Omit<NetMap, "self" | "peers"> {
  readonly self: MappedMachine;
  readonly machines: readonly MappedMachine[];
  readonly rules: MapRules;
}

/** The whole map of one machine. */
export function buildNetMap({ seq, org, self, machines, rules, relays, timings }: NetMapInput): NetMap {
  return { seq, org, self: selfOf(self, rules), peers: peersOf(self, machines, rules), relays, timings };
}
