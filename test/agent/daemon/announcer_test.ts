import assert from "node:assert/strict";
import { Announcer } from "../../../agent/daemon/announcer.ts";
import type { ControlStatus } from "../../../agent/daemon/loop.ts";
import { netMap } from "../support/net-map.ts";
import { Told } from "./support/told.ts";

const map = netMap({ seq: 1 });
const quarantined = "This machine is quarantined. Ask your org admin to release it.";
const connected = (problem: string | null = null): ControlStatus => ({
  control: "connected",
  problem,
  retryInMs: undefined,
});
const unreachable = (retryInMs: number): ControlStatus => ({ control: "unreachable", problem: null, retryInMs });

function announced(act: (announcer: Announcer) => void): string[] {
  const told = new Told();
  act(new Announcer(told, "http://plane", "ab".repeat(32)));
  return told.all;
}

const READY = ["Connected as self (100.64.0.1) [tun]", "VPN started!", `ready: ${"ab".repeat(32)}`];

Deno.test("ztna up says once that it is connected, however often the stream comes and goes", () => {
  const said = announced((announcer) => {
    announcer.handleStatus({ control: "connecting", problem: null, retryInMs: undefined }, undefined);
    announcer.handleStatus(connected(), map);
    announcer.handleStatus(unreachable(1_000), map);
    announcer.handleStatus(connected(), map);
  });
  assert.deepEqual(said, READY);
});

Deno.test("ztna up is not ready before there is a map", () => {
  assert.deepEqual(announced((announcer) => announcer.handleStatus(connected(), undefined)), []);
});

Deno.test("ztna up tells of each vain attempt until the first success, and of none after it", () => {
  const said = announced((announcer) => {
    announcer.handleStatus(unreachable(1_499), undefined);
    announcer.handleStatus(unreachable(120), undefined);
    announcer.handleStatus(connected(), map);
    announcer.handleStatus(unreachable(4_000), map);
  });
  assert.deepEqual(said, [
    "warning: Cannot reach http://plane, retrying in 1 s...",
    "warning: Cannot reach http://plane, retrying in 1 s...",
    ...READY,
  ]);
});

Deno.test("a problem is told once, and its end as a new connection", () => {
  const said = announced((announcer) => {
    announcer.handleStatus(connected(), map);
    announcer.handleStatus(connected(quarantined), map);
    announcer.handleStatus(connected(quarantined), map);
    announcer.handleStatus(connected(), map);
    announcer.handleStatus(connected(quarantined), map);
  });
  const problem = `warning: ${quarantined}`;
  assert.deepEqual(said, [...READY, problem, READY[0], problem]);
});

Deno.test("a machine that starts with a problem tells it before it says that it is up", () => {
  const said = announced((announcer) => announcer.handleStatus(connected(quarantined), map));
  assert.deepEqual(said, [`warning: ${quarantined}`, ...READY]);
});

Deno.test("a refusal that is tried again is told once, not at each attempt", () => {
  const refused: ControlStatus = { control: "refused", problem: "Too many", retryInMs: 1_000 };
  const said = announced((announcer) => {
    for (let attempt = 0; attempt < 3; attempt++) announcer.handleStatus(refused, undefined);
  });
  assert.deepEqual(said, ["warning: Too many"]);
});

Deno.test("the saved map brings the tunnel up while the control plane is silent, and only then", () => {
  const early = announced((announcer) => {
    announcer.handleSilence(map);
    announcer.handleStatus(connected(), map);
  });
  assert.deepEqual(early, ["warning: Cannot reach http://plane, using the last known network map.", ...READY]);
  const late = announced((announcer) => {
    announcer.handleStatus(connected(), map);
    announcer.handleSilence(map);
  });
  assert.deepEqual(late, READY);
});
