import assert from "node:assert/strict";
import { metricsTable, prometheusText } from "../../../agent/cli/metrics-text.ts";
import { metrics } from "../support/metrics.ts";

Deno.test("metrics are Prometheus text: each family once with help and type, labels escaped", () => {
  const text = prometheusText(metrics);
  const lines = text.trimEnd().split("\n");
  assert.ok(text.endsWith("\n"));
  for (
    const expected of [
      'ztna_peer_count{path="direct"} 1',
      'ztna_peer_count{path="none"} 2',
      "ztna_tx_bytes_total 1000",
      "ztna_control_connected 1",
      "ztna_relay_connected 0",
      'ztna_dropped_packets_total{reason="udp.forged"} 4',
      'ztna_dropped_packets_total{reason="udp.replayed"} 0',
      "ztna_tun_read_total 5",
      'ztna_offload{offload="tun_tso"} 1',
      'ztna_peer_rx_bytes_total{peer="a \\"b\\" \\\\"} 2000',
    ]
  ) assert.ok(lines.includes(expected), expected);
  const families = lines.filter((line) => line.startsWith("# TYPE")).map((line) => line.split(" ")[2]);
  assert.equal(new Set(families).size, families.length);
  const sample = /^[a-z_]+(\{[a-z]+="(\\.|[^"\\])*"(,[a-z0-9]+="(\\.|[^"\\])*")*\})? [0-9.]+$/;
  for (const line of lines) assert.match(line, line.startsWith("#") ? /^# (HELP|TYPE) ztna_/ : sample);
});

Deno.test("the table for people leaves out what is zero", () => {
  const text = metricsTable(metrics);
  assert.match(text, /^Engine: +libcrypto, wasm up to 192 bytes; handshakes by libcrypto$/m);
  assert.match(text, /^Offloads: +tun_tso$/m);
  assert.match(text, /^Peers: +1 direct, 0 relayed, 2 without a path$/m);
  assert.match(text, /^Dropped: +4 udp.forged$/m);
  assert.doesNotMatch(text, /replayed|joined|udp_gro/);
});
