import { type ConfigPeer, wireGuardConfig } from "#domain/machine/wireguard-config.ts";
import type { Machine } from "#protocol/api/machines.ts";
import type { AgentConfig } from "./config.ts";
import { readMachines } from "./organization.ts";
import { runningPid } from "./pid-file.ts";
import { readState } from "./state-file.ts";

export interface WireGuardConfig {
  readonly machine: Machine;
  readonly peers: readonly Machine[];
  /** For `wg-quick`. Secret: it holds the private key of this machine. */
  readonly text: string;
  /** An agent runs with the same key. */
  readonly isInUse: boolean;
}

/**
 * The configuration with which a machine of the org could do without the agent; this one when none is named. Its private
 * key comes from the state file: the control plane never had it.
 */
export async function exportWireGuardConfig(config: AgentConfig, machineId?: string): Promise<WireGuardConfig> {
  const state = readState(config.paths.state);
  const ownId = state?.registration?.machine_id;
  const wanted = machineId ?? ownId;
  if (wanted === undefined) throw new Error("not registered. Run 'ztna up' first, or specify --machine <id>");
  const machines = await readMachines(config);
  const machine = machines.find(({ id }) => id === wanted);
  if (machine === undefined) throw new Error(`no machine ${wanted}. Run 'ztna machines list --json' to see the ids`);
  const peers = machines.filter((other) => other !== machine && other.status === "online" && other.public_key !== null);
  const isOwn = machine.id === ownId;
  const self = {
    name: machine.name,
    tailnetIp: machine.tailnet_ip,
    privateKey: isOwn ? state?.wireguard_private_key : undefined,
  };
  const text = wireGuardConfig(self, peers.map(peerOf));
  return { machine, peers, text, isInUse: isOwn && runningPid(config.paths.pid) !== undefined };
}

function peerOf({ name, public_key, tailnet_ip, approved_routes, public_endpoint, endpoints }: Machine): ConfigPeer {
  const own = endpoints.toSorted((a, b) => Number(a.startsWith("[")) - Number(b.startsWith("[")));
  return {
    name,
    publicKey: public_key!,
    allowedIps: [`${tailnet_ip}/32`, ...approved_routes],
    // What the world sees of it, else the first of its own addresses, IPv4 before IPv6.
    endpoints: public_endpoint === null ? own : [public_endpoint, ...own],
  };
}
