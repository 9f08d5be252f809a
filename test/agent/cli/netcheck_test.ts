import assert from "node:assert/strict";
import type { NetCheck } from "#protocol/local/net-check.ts";
import { formatNetCheck } from "../../../agent/cli/verbs/netcheck.ts";
import { startControlPlane } from "./support/control-plane.ts";
import { assertGolden } from "./support/golden.ts";
import { Terminal } from "./support/terminal.ts";

const region = (id: number, region_code: string, region_name: string, hostname: string) => (
  { id, region_code, region_name, hostname, ipv4: null, stun_port: 3478, derp_port: 9, priority: id * 10 }
);
const regions = [
  region(2, "nyc1", "New York", "127.0.0.1"),
  region(1, "blr1", "Bangalore", "127.0.0.1"),
  region(3, "lon1", "London", "relay.invalid"),
];

const found: NetCheck = {
  udp: true,
  ipv4: true,
  ipv6: false,
  local_endpoints: ["192.0.2.7:41641"],
  nearest_derp: "blr1",
  derp_regions: [
    { region_code: "blr1", region_name: "Bangalore", latency_ms: 12.5 },
    { region_code: "lon1", region_name: "London", latency_ms: null },
  ],
  stun_status: "not configured",
  public_ip: null,
  public_port: null,
};

Deno.test("ztna netcheck says what is known, and that the rest needs STUN", () => {
  const none = { ...found, udp: false, ipv4: false, local_endpoints: ["[2001:db8::7]:41641"], ipv6: true };
  const away = { ...none, nearest_derp: null };
  assertGolden("netcheck", [found, away].map((check) => `${formatNetCheck(check)}\n`).join(""));
});

Deno.test("ztna netcheck measures the relays and takes the one of best priority behind the nearest address", async () => {
  await using plane = await startControlPlane({
    "/api/derp-map": () => ({ data: { regions } }),
    "/derp/probe": () => ({ data: null }),
  });
  using terminal = new Terminal({ ZTNA_API_URL: plane.url });
  const { code, out } = await terminal.ztna("netcheck", "--json");
  assert.equal(code, 0);
  const check = JSON.parse(out) as NetCheck;
  assert.equal(check.nearest_derp, "blr1");
  assert.equal(check.udp, true);
  assert.equal(check.stun_status, "not configured");
  const [nyc, blr, lon] = check.derp_regions.map(({ latency_ms }) => latency_ms);
  assert.equal(nyc, blr);
  assert.ok(blr! > 0 && blr! < 1_000);
  assert.equal(lon, null);
  assert.equal(plane.asked.filter(({ path }) => path === "/derp/probe").length, 4);
  assert.match(
    (await terminal.ztna("netcheck")).out,
    /^Running network diagnostics\.\.\.\nReport\n======\nUDP: true\n/,
  );
});

Deno.test("ztna netcheck without a control plane says what it cannot reach", async () => {
  using terminal = new Terminal({ ZTNA_API_URL: "http://127.0.0.1:9" });
  const { code, err } = await terminal.ztna("netcheck", "--json");
  assert.deepEqual([code, err.split("\n").length], [1, 2]);
  assert.match(err, /Cannot reach http:\/\/127\.0\.0\.1:9/);
});
