import * as v from "valibot";
import type { AgentPeer, AgentStatus } from "#protocol/local/daemon.ts";
import { machineFlagsSchema, type NetMap, type Peer } from "#protocol/netmap.ts";
import { PRODUCT_VERSION } from "#protocol/version.ts";
import type { PeerState } from "../dataplane/wireguard/outbox.ts";
import { formatEndpoint } from "./address-text.ts";
import { hexOfKey } from "./key-text.ts";
import type { NetTelemetry } from "./net-watch.ts";
import type { AgentState, Registration } from "./state-file.ts";

export interface RunningFacts {
  readonly state: AgentState;
  readonly registration: Registration;
  readonly self: NetMap["self"] | undefined;
  readonly interfaceName: string;
  readonly control: Pick<AgentStatus, "control" | "problem">;
  readonly home: string | undefined;
  readonly relay: AgentStatus["relay"];
  readonly network: NetTelemetry;
}

export function runningStatus(facts: RunningFacts): AgentStatus {
  const { state, registration, self, interfaceName, control, home, relay, network } = facts;
  return {
    version: PRODUCT_VERSION,
    pid: Deno.pid,
    node_key: hexOfKey(state.wireguard_public_key),
    authenticated: true,
    machine: {
      id: registration.machine_id,
      name: self?.name ?? registration.name,
      tailnet_ip: self?.tailnet_ip ?? registration.tailnet_ip,
    },
    org_id: registration.org_id,
    api_url: registration.api_url,
    os: Deno.build.os,
    mode: "TUN (kernel)",
    interface: interfaceName,
    derp_region: home ?? null,
    control: control.control,
    relay,
    flags: self === undefined ? null : v.parse(machineFlagsSchema, self),
    network,
    problem: control.problem,
  };
}

/** Both clocks at one moment, to turn times of the data plane into times of day. */
export interface ClockPair {
  readonly wall: number;
  readonly monotonic: number;
}

export function agentPeerOf(peer: Peer, state: PeerState | undefined, clock: ClockPair): AgentPeer {
  const via = state?.path.via ?? "none";
  const lastHandshakeAt = state?.lastHandshakeAt ?? 0;
  return {
    id: peer.id,
    name: peer.name,
    tailnet_ip: peer.tailnet_ip,
    public_key: peer.public_key,
    online: peer.online,
    derp_region: peer.relay_region,
    path: via === "udp" ? "direct" : via === "relay" ? "relay" : "none",
    endpoint: state?.path.via === "udp" ? formatEndpoint(state.path.endpoint) : via === "relay" ? "[DERP]" : "",
    routes: peer.allowed_ips.filter((prefix) => prefix !== `${peer.tailnet_ip}/32`),
    last_handshake: lastHandshakeAt === 0
      ? null
      : new Date(clock.wall - clock.monotonic + lastHandshakeAt).toISOString(),
    tx_bytes: state?.txBytes ?? 0,
    rx_bytes: state?.rxBytes ?? 0,
  };
}
