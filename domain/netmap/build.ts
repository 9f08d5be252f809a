import type { Machine } from "#protocol/api/machines.ts";
import type { NetMap, Peer } from "#protocol/netmap.ts";

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
>;

export const TUNNEL_MTU_BYTES = 1280;

/** True when others may hear of the machine and it of others: pending, quarantined, disabled and expired ones stand apart. */
export function isCarried({ status, admin_disabled, key_expired }: MappedMachine): boolean {
  return (status === "online" || status === "offline") && !admin_disabled && !key_expired;
}

export function peerOf(machine: MappedMachine): Peer {
  return {
    id: machine.id,
    name: machine.name,
    tailnet_ip: machine.tailnet_ip,
    public_key: machine.public_key ?? "",
    allowed_ips: [`${machine.tailnet_ip}/32`],
    endpoints: machine.endpoints,
    relay_region: machine.relay_region,
    online: machine.status === "online",
    os: machine.os,
  };
}

export function selfOf(machine: MappedMachine, addressPool: string): NetMap["self"] {
  return {
    id: machine.id,
    name: machine.name,
    tailnet_ip: machine.tailnet_ip,
    address_pool: addressPool,
    status: machine.admin_disabled ? "offline" : machine.status,
    mtu_bytes: TUNNEL_MTU_BYTES,
  };
}

/** The peers of one machine among all of its org. */
export function peersOf(self: MappedMachine, machines: readonly MappedMachine[]): Peer[] {
  if (!isCarried(self)) return [];
  return machines.filter((machine) => machine.id !== self.id && isCarried(machine)).map(peerOf);
}

export interface NetMapInput extends Omit<NetMap, "self" | "peers"> {
  readonly self: MappedMachine;
  readonly machines: readonly MappedMachine[];
  readonly addressPool: string;
}

/** The whole map of one machine. */
export function buildNetMap({ seq, org, self, machines, addressPool, relays, timings }: NetMapInput): NetMap {
  return { seq, org, self: selfOf(self, addressPool), peers: peersOf(self, machines), relays, timings };
}
