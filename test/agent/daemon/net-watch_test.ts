import assert from "node:assert/strict";
import { netTelemetry, NetWatch } from "../../../agent/daemon/net-watch.ts";
import type { NetCheck } from "#protocol/local/net-check.ts";
import type { RelayRegion } from "#protocol/netmap.ts";
import { netMap } from "../support/net-map.ts";

const regions: readonly RelayRegion[] = netMap({ seq: 1 }).relays;
const HERE = ["192.0.2.7:41641"];
const THERE = ["198.51.100.7:41641"];
const MINUTE = 60_000;

const found: NetCheck = {
  udp: true,
  ipv4: true,
  ipv6: false,
  local_endpoints: HERE,
  nearest_derp: "blr1",
  derp_regions: [{ region_code: "blr1", region_name: "Bangalore", latency_ms: 12.5 }],
  stun_status: "ok",
  stun_server: "stun.example.com:3478",
  public_ip: "203.0.113.7",
  public_port: 50_000,
  port_kept: true,
  mapping_varies: null,
  control_problem: null,
};
const silent: NetCheck = {
  ...found,
  nearest_derp: null,
  derp_regions: [{ region_code: "blr1", region_name: "Bangalore", latency_ms: null }],
};

/** A watch over networks that are found as they stand in a list, the last one for good. */
function watchOver(...networks: NetCheck[]) {
  let measured = 0;
  let told = 0;
  const watch = new NetWatch({
    measure: () => Promise.resolve(networks[Math.min(measured++, networks.length - 1)]!),
    listenPort: () => 41_641,
    onTelemetry: () => told++,
  });
  const look = async (endpoints: string[], now: number) => {
    watch.handleNetwork(regions, endpoints, now);
    await new Promise((resolve) => setTimeout(resolve));
    return measured;
  };
  return { watch, look, told: () => told };
}

Deno.test("an agent measures its network at the start and when its addresses change, not in between", async () => {
  const { look, told } = watchOver(found);
  const counts = [];
  for (const minute of [0, 1, 2, 60, 600]) counts.push(await look(HERE, minute * MINUTE));
  assert.deepEqual(counts, [1, 1, 1, 1, 1]);
  assert.equal(await look(THERE, 601 * MINUTE), 2);
  assert.equal(told(), 2);
});

Deno.test("a network that changes all the time is measured once a minute", async () => {
  const { look } = watchOver(found);
  await look(HERE, 0);
  for (let second = 5; second < 60; second += 5) {
    assert.equal(await look(second % 2 === 0 ? HERE : THERE, second * 1_000), 1);
  }
  assert.equal(await look(THERE, MINUTE), 2);
});

Deno.test("after a sleep the network is measured anew, after an outage only when no relay had been found", async () => {
  const { watch, look } = watchOver(silent, found);
  await look(HERE, 0);
  watch.handleConnected();
  assert.equal(await look(HERE, MINUTE), 2);
  watch.handleConnected();
  assert.equal(await look(HERE, 2 * MINUTE), 2);
  watch.handleWake();
  assert.equal(await look(HERE, 3 * MINUTE), 3);
});

Deno.test("derp_latencies, connectivity and public_endpoint are told as far as they are known", () => {
  assert.deepEqual(netTelemetry(found, 41_641), {
    connectivity: { ipv6: false, udp: true, preferred_derp: "blr1" },
    derp_latencies: { blr1: 12.5 },
    public_endpoint: "203.0.113.7:41641",
  });
  assert.deepEqual(netTelemetry({ ...silent, port_kept: false, mapping_varies: true }, 41_641), {
    connectivity: { ipv6: false, udp: true, mapping_varies: true },
  });
});

Deno.test("what a later look does not find out stays as it was", async () => {
  const { watch, look } = watchOver(found, { ...silent, public_ip: null });
  await look(HERE, 0);
  await look(THERE, MINUTE);
  assert.deepEqual(watch.telemetry.derp_latencies, { blr1: 12.5 });
  assert.equal(watch.telemetry.public_endpoint, "203.0.113.7:41641");
});
