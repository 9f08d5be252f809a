import type { AgentMetrics, AgentPeer, AgentStatus } from "#protocol/local/daemon.ts";
import { PRODUCT_VERSION } from "#protocol/version.ts";
import type { PeerIndex } from "../dataplane/link.ts";
import type { PeerState } from "../dataplane/wireguard/outbox.ts";
import type { TunnelCounters } from "./loop.ts";

export interface MetricsFacts {
  readonly peers: readonly AgentPeer[];
  readonly states: readonly PeerState[];
  readonly nameOf: (index: PeerIndex) => string | undefined;
  readonly counters: TunnelCounters;
  readonly control: AgentStatus["control"];
  readonly relayOpen: boolean;
  /** Name of the X25519 in use. */
  readonly x25519: string;
  readonly uptimeMs: number;
}

/** Everything this agent counts. */
export function metricsOf(facts: MetricsFacts): AgentMetrics {
  const { peers, states, nameOf, counters, control, relayOpen, x25519, uptimeMs } = facts;
  const total = (count: (state: PeerState) => number) => states.reduce((sum, state) => sum + count(state), 0);
  const paths = { direct: 0, relay: 0, none: 0 };
  for (const { path } of peers) paths[path]++;
  return {
    version: PRODUCT_VERSION,
    uptime_s: Math.round(uptimeMs / 1000),
    engine: counters.engine,
    x25519,
    control_connected: control === "connected",
    relay_connected: relayOpen,
    peer_count: paths,
    tx_bytes: total(({ txBytes }) => txBytes),
    rx_bytes: total(({ rxBytes }) => rxBytes),
    tx_packets: total(({ txPackets }) => txPackets),
    rx_packets: total(({ rxPackets }) => rxPackets),
    handshakes: total(({ handshakes }) => handshakes),
    drops: counters.drops,
    io: counters.io,
    peers: states.flatMap((state) => {
      const name = nameOf(state.peer);
      if (name === undefined) return [];
      const { txBytes, rxBytes, txPackets, rxPackets, handshakes } = state;
      return [{
        name,
        tx_bytes: txBytes,
        rx_bytes: rxBytes,
        tx_packets: txPackets,
        rx_packets: rxPackets,
        handshakes,
      }];
    }),
  };
}
