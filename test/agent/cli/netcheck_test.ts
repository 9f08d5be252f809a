import assert from "node:assert/strict";
import type { NetCheck } from "#protocol/local/net-check.ts";
import { formatNetCheck } from "../../../agent/cli/verbs/netcheck.ts";
import { startStunServer } from "../support/stun-server.ts";
import { startControlPlane } from "./support/control-plane.ts";
import { assertGolden } from "./support/golden.ts";
import { startAgent } from "./support/running-agent.ts";
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
  stun_server: null,
  public_ip: null,
  public_port: null,
  port_kept: null,
  mapping_varies: null,
  control_problem: null,
};

Deno.test("ztna netcheck says what is known, and that the rest needs STUN", () => {
  const none = { ...found, udp: false, ipv4: false, local_endpoints: ["[2001:db8::7]:41641"], ipv6: true };
  const away = { ...none, nearest_derp: null };
  const seen = {
    ...found,
    stun_status: "ok" as const,
    stun_server: "stun.example.com:3478",
    public_ip: "198.51.100.7",
    public_port: 50_022,
  };
  const blocked = { ...found, udp: false, stun_status: "no answer" as const };
  const alone = { ...away, derp_regions: [], control_problem: "Cannot reach https://login.example.com" };
  const all = [found, away, seen, blocked, alone];
  assertGolden("netcheck", all.map((check) => `${formatNetCheck(check)}\n`).join("\n"));
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

Deno.test("ztna netcheck without a control plane looks at the rest, names what it cannot reach and ends well", async () => {
  using terminal = new Terminal({ ZTNA_API_URL: "http://127.0.0.1:9" });
  const { code, out } = await terminal.ztna("netcheck", "--json");
  const check = JSON.parse(out) as NetCheck;
  assert.deepEqual([code, check.udp, check.nearest_derp, check.derp_regions], [0, true, null, []]);
  assert.match(check.control_problem!, /Cannot reach http:\/\/127\.0\.0\.1:9/);
  assert.match((await terminal.ztna("netcheck")).out, /^Control plane: Cannot reach http:\/\/127\.0\.0\.1:9$/m);
});

Deno.test("ztna netcheck asks STUN servers for the public address, and takes silence for blocked UDP", async () => {
  await using plane = await startControlPlane({ "/api/derp-map": () => ({ data: { regions: [] } }) });
  using one = await startStunServer();
  using other = await startStunServer();
  using terminal = new Terminal({ ZTNA_API_URL: plane.url, ZTNA_STUN_SERVERS: `${one.address},${other.address}` });
  const { code, out } = await terminal.ztna("netcheck", "--json");
  const { udp, stun_status, stun_server, public_ip, port_kept, mapping_varies } = JSON.parse(out) as NetCheck;
  assert.deepEqual([code, udp, stun_status, public_ip], [0, true, "ok", "127.0.0.1"]);
  assert.ok([one.address, other.address].includes(stun_server!));
  assert.deepEqual({ port_kept, mapping_varies }, { port_kept: true, mapping_varies: false });
  assert.match((await terminal.ztna("netcheck")).out, /^STUN: ok \(127\.0\.0\.1:\d+\)$/m);
  Deno.env.set("ZTNA_STUN_SERVERS", "127.0.0.1:9");
  const silent = await terminal.ztna("netcheck");
  assert.equal(silent.code, 0);
  assert.match(silent.out, /^UDP: false$[^]*^STUN: error \(no answer: UDP may be blocked\)$/m);
  Deno.env.set("ZTNA_STUN_SERVERS", "http://stun.example.com");
  assert.match((await terminal.ztna("netcheck")).err, /^ZTNA_STUN_SERVERS must be host:port/);
});

Deno.test("ztna netcheck lets the running agent look", async () => {
  using terminal = new Terminal();
  const checkNetwork = () => Promise.resolve({ ...found, nearest_derp: "lon1" });
  await using _ = startAgent(terminal.directory, { checkNetwork });
  assert.equal(JSON.parse((await terminal.ztna("netcheck", "--json")).out).nearest_derp, "lon1");
});
