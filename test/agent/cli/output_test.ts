import assert from "node:assert/strict";
import type { AgentPeer, AgentStatus } from "#protocol/local/daemon.ts";
import type { LocalChoices } from "#protocol/local/settings.ts";
import { plain, row } from "../../../agent/cli/output.ts";
import { findPeer, formatPeer, formatPeers } from "../../../agent/cli/verbs/peers.ts";
import { durationUpTo } from "../../../agent/cli/duration.ts";
import { formatProbe, formatSummary } from "../../../agent/cli/verbs/ping.ts";
import { formatStatus } from "../../../agent/cli/verbs/status.ts";
import { versionText } from "../../../agent/cli/verbs/version.ts";

const machine = { id: "11111111-2222-4333-8444-555555555555", name: "Linux-C", tailnet_ip: "100.64.0.3" };
const status: AgentStatus & LocalChoices = {
  version: "0.1.0",
  pid: 42,
  node_key: "a1b2c3d4e5f6a7b8" + "0".repeat(48),
  authenticated: true,
  machine,
  org_id: "99999999-2222-4333-8444-555555555555",
  api_url: "https://login.example.com",
  os: "linux",
  mode: "TUN (kernel)",
  interface: "ztna0",
  derp_region: "blr1",
  control: "connected",
  relay: "connected",
  flags: null,
  network: {},
  problem: null,
  exit_node: null,
  exit_node_allow_lan_access: false,
  auto_update: false,
  gateway: false,
};

Deno.test("status of a connected machine is the block of the guide", () => {
  assert.equal(
    formatStatus(status),
    `QuickZTNA Status
================
Version:       0.1.0
Node Key:      a1b2c3d4e5f6a7b8...
Authenticated: true
Machine ID:    11111111-2222-4333-8444-555555555555
Machine Name:  Linux-C
Tailnet IP:    100.64.0.3
Mode:          TUN (kernel)
DERP Region:   blr1`,
  );
});

Deno.test("status of a machine that is logged in but not registered says what to do", () => {
  const bare = { ...status, machine: null, node_key: "", org_id: null, api_url: "", mode: "disconnected" } as const;
  assert.equal(
    formatStatus({ ...bare, authenticated: true }),
    `QuickZTNA Status
================
Version:       0.1.0
Authenticated: true
Machine:       Not registered (run 'ztna up')`,
  );
  assert.equal(
    formatStatus({ ...bare, authenticated: false }),
    `QuickZTNA Status
================
Version:       0.1.0
Authenticated: false
               (run 'ztna login' to authenticate)
Machine:       Not registered (run 'ztna up')`,
  );
});

Deno.test("status of a stopped machine is disconnected and names no relay", () => {
  const text = formatStatus({ ...status, mode: "disconnected", derp_region: null });
  assert.match(text, /^Mode: {10}disconnected$/m);
  assert.doesNotMatch(text, /DERP/);
});

Deno.test("ztna status says ExitNode and AdvertisedRoutes of a machine that offers them", () => {
  const flags = {
    shields_up: false,
    ssh_enabled: false,
    accept_routes: false,
    advertise_exit_node: true,
    exit_node_approved: false,
    advertised_routes: ["192.168.100.0/24"],
    approved_routes: [],
  };
  const text = formatStatus({ ...status, flags });
  assert.ok(text.endsWith("\nExitNode: advertising\nAdvertisedRoutes: 192.168.100.0/24"), text);
  const two = { ...flags, advertise_exit_node: false, advertised_routes: ["10.0.0.0/24", "10.1.0.0/24"] };
  assert.ok(formatStatus({ ...status, flags: two }).endsWith("blr1\nAdvertisedRoutes: 10.0.0.0/24, 10.1.0.0/24"));
});

Deno.test("ztna status says what is chosen for this machine, and that it has no effect yet", () => {
  const text = formatStatus({ ...status, exit_node: "100.64.0.9", auto_update: true });
  assert.match(text, /^Exit Node: {5}100\.64\.0\.9 \(kept; this version does not route through exit nodes yet\)$/m);
  assert.match(text, /^Auto Update: {3}on \(kept; this version does not update by itself yet\)$/m);
});

const base: AgentPeer = {
  id: "1",
  name: "Win-A",
  tailnet_ip: "100.64.0.1",
  public_key: "A".repeat(43) + "=",
  online: true,
  derp_region: "blr1",
  path: "relay",
  endpoint: "[DERP]",
  routes: [],
  last_handshake: null,
  tx_bytes: 0,
  rx_bytes: 0,
};
const direct: AgentPeer = {
  ...base,
  name: "Linux-C",
  tailnet_ip: "100.64.0.3",
  path: "direct",
  endpoint: "192.0.2.7:41641",
};

Deno.test("peers are the table of the guide", () => {
  assert.equal(
    formatPeers({ machine: { id: "2", name: "Win-B", tailnet_ip: "100.64.0.2" } }, [base, direct]),
    `Machine: Win-B (100.64.0.2)
Connection strategy: stun -> direct -> relay
NAME                 TAILNET IP       DERP REGION  DIRECT?  ROUTES                   ENDPOINT
Win-A                100.64.0.1       blr1         relay    —                        [DERP]
Linux-C              100.64.0.3       blr1         direct   —                        192.0.2.7:41641`,
  );
});

Deno.test("one peer is a block with all that is known", () => {
  assert.equal(
    formatPeer({ ...direct, rx_bytes: 5, tx_bytes: 7, last_handshake: "2026-01-02T03:04:05.000Z" }),
    `Name:            Linux-C
Tailnet IP:      100.64.0.3
Public Key:      ${"A".repeat(43)}=
Endpoint:        192.0.2.7:41641
DERP Region:     blr1
Reachable:       true
Needs Relay:     false
Direct EP:       192.0.2.7:41641
Last Handshake:  2026-01-02T03:04:05.000Z
Sent:            7 bytes
Received:        5 bytes`,
  );
});

Deno.test("a peer is found by name in any case or by address", () => {
  assert.equal(findPeer([base, direct], "linux-c"), direct);
  assert.equal(findPeer([base, direct], "100.64.0.1"), base);
  assert.throws(() => findPeer([base], "nobody"), /no peer named nobody\. Run 'ztna peers'/);
});

Deno.test("probes say how long, how, and why not", () => {
  const probe = { outcome: "reply", ms: 145.4, via: "relayed", tailnet_ip: "100.64.0.1" } as const;
  assert.equal(formatProbe(probe, 3_000), "145ms (relayed)");
  assert.equal(formatProbe({ ...probe, ms: 0.654, via: "direct" }, 3_000), "0.7ms (direct)");
  assert.equal(formatProbe({ ...probe, outcome: "timeout" }, 3_000), "timeout (3s)");
  assert.equal(formatProbe({ ...probe, outcome: "timeout" }, 250), "timeout (250ms)");
  assert.equal(formatProbe({ ...probe, outcome: "unreachable" }, 250), "unreachable");
  assert.equal(
    formatSummary([probe, { ...probe, ms: 140.6 }, { ...probe, outcome: "timeout" }]),
    "2/3 probes succeeded, avg latency: 143ms (via tunnel)",
  );
  assert.equal(formatSummary([{ ...probe, outcome: "timeout" }]), "0/1 probes succeeded — peer unreachable");
});

Deno.test("durations are read with and without a unit", () => {
  assert.deepEqual(["3s", "3", "250ms", "1.5s", "1m"].map(durationUpTo("60s", "3s")), [
    3_000,
    3_000,
    250,
    1_500,
    60_000,
  ]);
  for (const text of ["", "0", "-1s", "2h", "61s", "x"]) assert.throws(() => durationUpTo("60s", "3s")(text));
});

Deno.test("the version names the build and the platform", () => {
  assert.match(versionText(), /^ztna version \d+\.\d+\.\d+ \(built [^,]+, [a-z]+\/(amd64|arm64)\)$/);
});

Deno.test("names from elsewhere cannot steer the terminal", () => {
  assert.equal(plain("a\u001b[31mb\r\n\u009bc"), "a?[31mb???c");
});

Deno.test("a cell that is too long pushes the rest and stays apart", () => {
  assert.equal(row([4, 4], ["abcdef", "x", "end"]), "abcdef x   end");
});
