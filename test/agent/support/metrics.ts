import type { AgentMetrics } from "#protocol/local/daemon.ts";

/** What a small agent may have counted. */
export const metrics: AgentMetrics = {
  version: "0.1.0",
  uptime_s: 61,
  engine: "libcrypto, wasm up to 192 bytes",
  x25519: "libcrypto",
  control_connected: true,
  relay_connected: false,
  peer_count: { direct: 1, relay: 0, none: 2 },
  tx_bytes: 1000,
  rx_bytes: 2000,
  tx_packets: 10,
  rx_packets: 20,
  handshakes: 3,
  drops: { "udp.forged": 4, "udp.replayed": 0 },
  io: { "tun.read": 5, "tun.joined": 0, "offload.tun_tso": 1, "offload.udp_gro": 0 },
  peers: [{ name: 'a "b" \\', tx_bytes: 1000, rx_bytes: 2000, tx_packets: 10, rx_packets: 20, handshakes: 3 }],
};
