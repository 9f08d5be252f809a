import { cpSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createAuthKey } from "#protocol/api/auth-keys.ts";
import { call } from "#protocol/api/call.ts";
import { deleteMachine, quarantineMachine, renameMachine, unquarantineMachine } from "#protocol/api/machine-admin.ts";
import type { MachineId, OrgId } from "#protocol/ids.ts";
import type { Background } from "../../tools/lab/background.ts";
import { logInFrom, type RunningControlPlane, startOn } from "../../tools/lab/control-plane.ts";
import type { Host } from "../../tools/lab/host.ts";
import { Network } from "../../tools/lab/network.ts";

/*
 * What an agent does when its machine is shielded, set apart, copied or deleted, when its clock is wrong, and when
 * WebSockets or the whole control plane are away:
 *
 *   control plane ---- switch ---- Linux-C, Linux-D, Linux-E
 *    8787, and 8788 without WebSockets
 */

const READY = "Press Ctrl+C to stop...";

let network: Network;
let plane: RunningControlPlane;
let server: Host;
let linuxC: Host;
let linuxD: Host;
let linuxE: Host;
let onC: Background;
let onD: Background;
let orgId: OrgId;
let token: string;

beforeAll(async () => {
  network = new Network(`tls${process.pid}-`);
  server = network.add("control");
  [linuxC, linuxD, linuxE] = [network.add("Linux-C"), network.add("Linux-D"), network.add("Linux-E")];
  plane = await startOn(server, { timings: { heartbeat_s: 1 } });
  const { session, orgId: org } = await logInFrom(linuxC, plane.url);
  [orgId, token] = [org as OrgId, session.token];
  const key = await call(linuxC.fetch, plane.url, createAuthKey, { org_id: orgId, name: "states", reusable: true }, {
    token,
  });
  for (const host of [linuxC, linuxD, linuxE]) {
    Object.assign(host.environment, { ZTNA_API_URL: plane.url, ZTNA_AUTH_KEY: key.key });
  }
  onC = linuxC.start("ztna", ["up", "--shields-up", "--advertise-exit-node"]);
  onD = linuxD.start("ztna", ["up"]);
  await Promise.all([onC.prints(READY, 60_000), onD.prints(READY, 60_000)]);
});

afterAll(async () => {
  await plane?.process.stop();
  network?.remove();
});

const statusOf = async (host: Host) => JSON.parse((await host.run("ztna", ["status", "--json"])).stdout);
const pings = async (from: Host, to: Host) => {
  const { tailnet_ip } = (await statusOf(to)).machine;
  return (await from.run("ping", ["-c", "1", "-W", "1", tailnet_ip])).code === 0;
};
const eventually = (holds: () => Promise<boolean>) => expect.poll(holds, { timeout: 20_000, interval: 200 }).toBe(true);
const idOf = async (host: Host) => (await statusOf(host)).machine.id as MachineId;

test("ztna up --shields-up lets nothing in that the machine did not ask for, and what it asks for", async () => {
  expect((await statusOf(linuxC)).flags).toMatchObject({ shields_up: true, ssh_enabled: false });
  expect(onC.stderr).toContain("Warning: exit nodes not allowed for this org");
  await eventually(() => pings(linuxC, linuxD));
  expect(await pings(linuxD, linuxC)).toBe(false);
  const { stdout } = await linuxC.run("ztna", ["debug", "metrics", "--json"]);
  expect(JSON.parse(stdout).drops["shields.up"]).toBeGreaterThan(0);
});

test("ztna up --shields-up=false on a registered machine, without a key, lets peers in", async () => {
  expect(await onC.stop()).toBe(130);
  const { ZTNA_AUTH_KEY, ...environment } = linuxC.environment;
  for (const name of Object.keys(linuxC.environment)) delete linuxC.environment[name];
  Object.assign(linuxC.environment, environment);
  onC = linuxC.start("ztna", ["up", "--shields-up=false"]);
  await onC.prints(READY);
  expect(onC.stdout).toContain("Already registered: Linux-C");
  await eventually(() => pings(linuxD, linuxC));
  expect((await statusOf(linuxC)).flags).toMatchObject({ shields_up: false });
  Object.assign(linuxC.environment, { ZTNA_AUTH_KEY });
});

test("a machine that is quarantined says so, loses its peers, and comes back by itself when it is released", async () => {
  const target = { org_id: orgId, machine_id: await idOf(linuxC) };
  await call(server.fetch, plane.url, quarantineMachine, target, { token });
  await eventually(async () => /quarantined/.test((await statusOf(linuxC)).problem));
  expect(onC.stderr).toContain("This machine is quarantined. Ask your org admin to release it.");
  expect(await pings(linuxC, linuxD)).toBe(false);
  await call(server.fetch, plane.url, unquarantineMachine, target, { token });
  await eventually(() => pings(linuxC, linuxD));
  expect((await statusOf(linuxC)).problem).toBeNull();
  expect(onC.stdout.match(/Connected as Linux-C/g)).toHaveLength(2);
});

test("a name an admin gives reaches the machine, stays when it registers again and when it does not run", async () => {
  const target = { org_id: orgId, machine_id: await idOf(linuxC) };
  await call(server.fetch, plane.url, renameMachine, { ...target, name: "renamed" }, { token });
  await eventually(async () => (await statusOf(linuxC)).machine.name === "renamed");
  await onC.stop();
  expect((await statusOf(linuxC)).machine.name).toBe("renamed");
  onC = linuxC.start("ztna", ["up"]);
  await onC.prints(READY);
  expect(onC.stdout).toContain("Connected as renamed");
});

test("a copied state directory becomes a machine of its own, and the original goes on", async () => {
  const original = await idOf(linuxC);
  cpSync(join(linuxC.home, ".config"), join(linuxE.home, ".config"), { recursive: true, filter: noSockets });
  const onE = linuxE.start("ztna", ["up"]);
  await expect.poll(() => onE.stdout, { timeout: 30_000 }).toMatch(/Registered: [^]*Press Ctrl\+C/);
  expect(onE.stderr).toContain("Another host runs with a copy of this machine's keys.");
  expect(await idOf(linuxE)).not.toBe(original);
  await eventually(async () => (await statusOf(linuxC)).control === "connected");
  expect(await idOf(linuxC)).toBe(original);
  await eventually(() => pings(linuxE, linuxC));
  expect(await onE.stop()).toBe(130);
  await linuxE.run("ztna", ["logout"]);
}, 90_000);

test("a machine that is deleted ends with one line that says what to do, and so does its status", async () => {
  const target = { org_id: orgId, machine_id: await idOf(linuxC) };
  await call(server.fetch, plane.url, deleteMachine, target, { token });
  expect(await onC.exited).toBe(1);
  const what = "The control plane does not know this machine any more. Register it again: ztna up --auth-key";
  expect(onC.stderr.trim().split("\n").at(-1)).toBe(what);
  expect(await statusOf(linuxC)).toMatchObject({ mode: "disconnected", problem: what });
  onC = linuxC.start("ztna", ["up"]);
  await onC.prints(READY);
  expect(await idOf(linuxC)).not.toBe(target.machine_id);
  expect((await statusOf(linuxC)).problem).toBeNull();
  await onC.stop();
});

test.each([["ahead", 1], ["behind", -1]])(
  "a clock that is a day %s keeps no machine from its network",
  async (_, days) => {
    const main = resolve(import.meta.dirname, "../../agent/main.ts");
    linuxE.environment["CLOCK_DAYS"] = String(days);
    network.blockUdp();
    try {
      const preload = ["--preload", resolve(import.meta.dirname, "support/wrong-clock.ts")];
      const onE = linuxE.start("deno", ["run", "-A", "--quiet", "--no-lock", "--cached-only", ...preload, main, "up"]);
      await onE.prints(READY, 30_000);
      await eventually(() => pings(linuxE, linuxD));
      const { relay, control } = await statusOf(linuxE);
      expect({ relay, control }).toEqual({ relay: "connected", control: "connected" });
      expect(await onE.stop()).toBe(130);
    } finally {
      network.allowUdp();
    }
  },
  90_000,
);

test(
  "without WebSockets an agent hears of its peers and its flags by heartbeats, and reaches them directly",
  async () => {
    const proxy = server.start("node", [resolve(import.meta.dirname, "support/no-web-sockets.mjs"), "8788", plane.url]);
    await proxy.prints("listening");
    const url = plane.url.replace("8787", "8788");
    linuxE.environment["ZTNA_API_URL"] = url;
    const onE = linuxE.start("ztna", ["up", "--ssh"]);
    await onE.prints(READY, 60_000);
    await eventually(() => pings(linuxE, linuxD));
    await eventually(async () => (await statusOf(linuxE)).flags.ssh_enabled === true);
    const { control, problem } = await statusOf(linuxE);
    expect({ control, problem }).toEqual({ control: "connected", problem: expect.stringMatching(/WebSockets/) });
    expect(await onE.stop()).toBe(130);
    expect(onE.stderr).not.toContain("offline heartbeat failed");
    await proxy.stop();
  },
  120_000,
);

test("ztna down says on standard error when the control plane did not hear it, and stops all the same", async () => {
  network.plug(linuxD, "down");
  const { code, stdout, stderr } = await linuxD.run("ztna", ["down"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "Warning: offline heartbeat failed\n" });
  expect(stdout).toMatch(/^Stopped VPN daemon \(PID \d+\)\nVPN stopped\.\n$/);
  expect(await onD.exited).toBe(0);
  network.plug(linuxD, "up");
});

function noSockets(path: string): boolean {
  return !/\.(sock|pid)$/.test(path);
}
