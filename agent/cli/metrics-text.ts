import type { AgentMetrics } from "#protocol/local/daemon.ts";

type Labels = Readonly<Record<string, string>>;
type Sample = readonly [labels: Labels, value: number];

/** The Prometheus text format (version 0.0.4). */
export function prometheusText(metrics: AgentMetrics): string {
  const { peers, peer_count, drops, io } = metrics;
  const one = (value: number): Sample[] => [[{}, value]];
  const perPeer = (value: (peer: AgentMetrics["peers"][number]) => number) =>
    peers.map((peer): Sample => [{ peer: peer.name }, value(peer)]);
  const offloads = Object.entries(io).filter(([name]) => name.startsWith(OFFLOAD));
  const counts = Object.entries(io).filter(([name]) => !name.startsWith(OFFLOAD));
  const { version, engine, x25519 } = metrics;
  return [
    family("ztna_info", "gauge", "What runs here.", [[{ version, engine, x25519 }, 1]]),
    family("ztna_uptime_seconds", "gauge", "Seconds since the agent started.", one(metrics.uptime_s)),
    family("ztna_control_connected", "gauge", "1 while the control plane is heard.", one(+metrics.control_connected)),
    family("ztna_relay_connected", "gauge", "1 while the home relay is open.", one(+metrics.relay_connected)),
    family(
      "ztna_peer_count",
      "gauge",
      "Peers by the path in use.",
      Object.entries(peer_count).map(([path, count]) => [{ path }, count]),
    ),
    family("ztna_tx_bytes_total", "counter", "Bytes of WireGuard packets sent.", one(metrics.tx_bytes)),
    family("ztna_rx_bytes_total", "counter", "Bytes of WireGuard packets received.", one(metrics.rx_bytes)),
    family("ztna_tx_packets_total", "counter", "WireGuard packets sent.", one(metrics.tx_packets)),
    family("ztna_rx_packets_total", "counter", "WireGuard packets received.", one(metrics.rx_packets)),
    family("ztna_handshakes_total", "counter", "Handshakes finished.", one(metrics.handshakes)),
    family(
      "ztna_dropped_packets_total",
      "counter",
      "Packets dropped, by reason.",
      Object.entries(drops).map(([reason, count]) => [{ reason }, count]),
    ),
    ...counts.map(([name, count]) =>
      family(`ztna_${name.replace(".", "_")}_total`, "counter", "At the TUN device or the UDP socket.", one(count))
    ),
    family(
      "ztna_offload",
      "gauge",
      "1 while the system joins or cuts packets for the agent.",
      offloads.map(([name, on]) => [{ offload: name.slice(OFFLOAD.length) }, on]),
    ),
    family("ztna_peer_tx_bytes_total", "counter", "Bytes sent to a peer.", perPeer(({ tx_bytes }) => tx_bytes)),
    family("ztna_peer_rx_bytes_total", "counter", "Bytes received from a peer.", perPeer(({ rx_bytes }) => rx_bytes)),
    family("ztna_peer_handshakes_total", "counter", "Handshakes with a peer.", perPeer(({ handshakes }) => handshakes)),
  ].join("");
}

/** For a person: what is not zero. */
export function metricsTable(metrics: AgentMetrics): string {
  const { engine, x25519, peer_count, io, drops } = metrics;
  const on = Object.entries(io).filter(([name, value]) => name.startsWith(OFFLOAD) && value === 1);
  const offloads = on.map(([name]) => name.slice(OFFLOAD.length)).join(", ");
  const rows: [string, string][] = [
    ["Engine", `${engine}; handshakes by ${x25519}`],
    ["Offloads", offloads || "none"],
    ["Peers", `${peer_count.direct} direct, ${peer_count.relay} relayed, ${peer_count.none} without a path`],
    ["Handshakes", String(metrics.handshakes)],
    ["Sent", `${metrics.tx_packets} packets, ${metrics.tx_bytes} bytes`],
    ["Received", `${metrics.rx_packets} packets, ${metrics.rx_bytes} bytes`],
    ...Object.entries(io)
      .filter(([name, count]) => !name.startsWith(OFFLOAD) && count > 0)
      .map(([name, count]): [string, string] => [name, String(count)]),
    ...Object.entries(drops)
      .filter(([, count]) => count > 0)
      .map(([reason, count]): [string, string] => ["Dropped", `${count} ${reason}`]),
  ];
  return rows.map(([label, value]) => `${label}:`.padEnd(24) + value).join("\n");
}

const OFFLOAD = "offload.";

function family(name: string, type: "gauge" | "counter", help: string, samples: readonly Sample[]): string {
  const lines = samples.map(([labels, value]) => `${name}${labelText(labels)} ${value}`);
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines, ""].join("\n");
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escape(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function escape(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
