import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { CLOSE_CLONED, CLOSE_REFUSED } from "#protocol/control/messages.ts";
import type { AgentState } from "../../../agent/daemon/state-file.ts";
import { runUp, type UpEnd, type UpOptions } from "../../../agent/daemon/up.ts";
import { type Answer, type Asked, startControlPlane } from "../cli/support/control-plane.ts";
import { mayHavePrivateNetwork, withPrivateNetwork } from "../os/support/private-network.ts";
import { serveStreams, type StreamAnswer } from "./support/control-streams.ts";
import { installation } from "./support/installation.ts";
import { machineAnswer } from "./support/machine-answer.ts";
import { Told } from "./support/told.ts";

const AUTH_KEY = `tskey-auth-${"ab".repeat(32)}`;
const FIRST = machineAnswer;
const SECOND = { ...FIRST, machine_id: "44444444-2222-4333-8444-555555555555", node_key: "cd".repeat(32) };
const TWIN = "Another host runs with a copy of this machine's keys. This one has new keys now";
const START = "Starting QuickZTNA...";
const PENDING = [
  "Machine registered but requires admin approval.",
  "Ask your org admin to approve this machine in the dashboard:",
  "  Machines page → Pending Approval tab → Approve",
  "Run 'ztna up' again after approval.",
];
const CONNECTED = ["Connected as self (100.64.0.1) [tun]", "VPN started!"];

interface Scene {
  readonly here: ReturnType<typeof installation>;
  readonly told: Told;
  readonly asked: readonly Asked[];
  /** The node keys of the control streams that came. */
  readonly streams: readonly string[];
  /** Runs `ztna up`, which Ctrl+C ends as soon as it is connected. */
  up(options?: Partial<UpOptions>): Promise<UpEnd>;
}

interface Plane {
  readonly register?: (asked: Asked) => Answer;
  readonly stream?: (nodeKey: string) => StreamAnswer;
}

/** A test with an installation and a control plane in a network of their own, for `ztna up` makes a TUN device. */
function testUp(name: string, { register, stream }: Plane, act: (scene: Scene) => Promise<void>): void {
  const alone = async () => {
    await using plane = await startControlPlane({
      "/api/register-machine": register ?? (() => assert.fail("it registered")),
    });
    const streams = serveStreams(plane.server, stream ?? (() => assert.fail("it opened a stream")));
    using here = installation(plane.url);
    const told = new Told();
    const up = (options: Partial<UpOptions> = {}) => {
      const stop = new AbortController();
      told.ready = () => stop.abort();
      const all = { authKey: undefined, hostname: undefined, org: undefined, forceReauth: false, settings: {} };
      return runUp(here.config, { ...all, ...options }, told, stop.signal);
    };
    await act({ here, told, asked: plane.asked, streams, up });
    assert.ok(!existsSync(here.paths.pid));
  };
  Deno.test({ name, ignore: !mayHavePrivateNetwork, fn: () => withPrivateNetwork(alone) });
}

testUp("ztna up connects as the machine it is and says goodbye on Ctrl+C", { stream: () => ({ map: true }) }, async ({
  here,
  told,
  streams,
  up,
}) => {
  here.registered({ problem: "of an earlier run" });
  assert.deepEqual(await up(), { offlineReported: true });
  assert.deepEqual(streams, [FIRST.node_key]);
  assert.equal(here.state()?.registration?.problem, undefined);
  assert.deepEqual(told.all, [START, "Already registered: laptop (IP: 100.64.0.7)", ...CONNECTED]);
});

testUp("ztna up of a machine that must be approved says so and ends well, without a stream", {
  register: () => ({ data: { ...FIRST, status: "pending" } }),
}, async ({ told, up, streams }) => {
  assert.deepEqual(await up({ authKey: AUTH_KEY }), { offlineReported: true, pending: true });
  assert.deepEqual(told.all, [START, ...PENDING]);
  assert.deepEqual(streams, []);
});

testUp("ztna up of a machine whose stream is refused with PENDING_APPROVAL says so and ends well", {
  stream: () => ({ refused: "PENDING_APPROVAL" }),
}, async ({ here, told, up }) => {
  here.registered();
  assert.deepEqual(await up(), { offlineReported: true, pending: true });
  assert.deepEqual(told.all, [START, "Already registered: laptop (IP: 100.64.0.7)", ...PENDING]);
});

for (
  const [what, answer, why] of [
    [
      "KEY_EXPIRED while it runs",
      { closed: CLOSE_REFUSED, reason: "KEY_EXPIRED" },
      "Machine key has expired. Re-authenticate: ztna up --auth-key",
    ],
    [
      "INVALID_NODE_KEY when it comes",
      { refused: "INVALID_NODE_KEY" },
      "The control plane does not know this machine any more. Register it again: ztna up --auth-key",
    ],
  ] as const
) {
  testUp(`ztna up that is told ${what} fails with what to do, which stays for its status`, {
    stream: () => answer,
  }, async ({ here, up }) => {
    const before = here.registered();
    writeFileSync(here.paths.netMap, "{}");
    await assert.rejects(up(), { message: why });
    assert.deepEqual(here.state(), { ...before, registration: { ...before.registration, problem: why } });
    assert.ok(!existsSync(here.paths.netMap));
  });
}

/** Whoever comes with the keys that were copied is FIRST; the keys that are made instead are those of SECOND. */
const parting = (before: () => AgentState) => ({ body }: Asked): Answer => ({
  data: body["machine_key"] === before().machine_key ? FIRST : SECOND,
});

for (
  const [what, answer] of [
    ["is told that another host has its keys", { closed: CLOSE_CLONED }],
    ["finds its new node key given back to the original", { refused: "INVALID_NODE_KEY" }],
  ] as const
) {
  let before: AgentState;
  testUp(`ztna up that ${what} makes new ones, registers as another machine and goes on`, {
    register: parting(() => before),
    stream: (nodeKey) => nodeKey === SECOND.node_key ? { map: true } : answer,
  }, async ({ here, told, streams, up }) => {
    before = here.registered({ node_key: "ef".repeat(32) });
    assert.deepEqual(await up({ authKey: AUTH_KEY }), { offlineReported: true });
    const after = here.state()!;
    assert.notEqual(after.machine_key, before.machine_key);
    assert.notEqual(after.wireguard_public_key, before.wireguard_public_key);
    assert.equal(after.registration?.machine_id, SECOND.machine_id);
    assert.deepEqual(streams, [FIRST.node_key, SECOND.node_key]);
    assert.deepEqual(told.all, [
      START,
      "Already registered: laptop (IP: 100.64.0.7)",
      `warning: ${TWIN}, registering it as one of its own...`,
      "Registered: laptop (100.64.0.7)",
      ...CONNECTED,
    ]);
  });
}

testUp("ztna up with another host's keys and nothing to register with leaves them and says what to do", {
  stream: () => ({ closed: CLOSE_CLONED }),
}, async ({ here, asked, streams, up }) => {
  const before = here.registered();
  writeFileSync(here.paths.netMap, "{}");
  await assert.rejects(up(), { message: `${TWIN}. Register it as one of its own: ztna up --auth-key` });
  const after = here.state()!;
  assert.notEqual(after.machine_key, before.machine_key);
  assert.equal(after.registration, null);
  assert.ok(!existsSync(here.paths.netMap));
  assert.deepEqual([asked.length, streams.length], [0, 1]);
});
