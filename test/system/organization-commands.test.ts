import { readFileSync } from "node:fs";
import { join } from "node:path";
import { strFromU8, unzipSync } from "fflate";
import { afterAll, beforeAll, expect, test } from "vitest";
import { searchAuditLogs } from "#protocol/api/audit-logs.ts";
import { createAuthKey } from "#protocol/api/auth-keys.ts";
import { call } from "#protocol/api/call.ts";
import { lockDevice, wipeDevice } from "#protocol/api/machine-admin.ts";
import { listMachines } from "#protocol/api/tables.ts";
import type { OrgId } from "#protocol/ids.ts";
import type { Background } from "../../tools/lab/background.ts";
import { logInFrom, owner, type RunningControlPlane, startOn } from "../../tools/lab/control-plane.ts";
import type { Host } from "../../tools/lab/host.ts";
import { Network } from "../../tools/lab/network.ts";

/*
 * The commands that speak to the control plane, on machines that joined by an auth key:
 *
 *   control plane ---- switch ---- Linux-A   ztna up, 100.64.0.1
 *                        |
 *                        +-------- Linux-B   ztna up, then wireguard-go with the exported configuration, 100.64.0.2
 */

const tunnel = `tnw${process.pid % 100_000}`;
let network: Network;
let plane: RunningControlPlane;
let linuxA: Host;
let linuxB: Host;
let agents: Background[];
let token: string;
let orgId: OrgId;

beforeAll(async () => {
  network = new Network(`tlo${process.pid}-`);
  const server = network.add("control");
  [linuxA, linuxB] = ["Linux-A", "Linux-B"].map((name) => network.add(name)) as [Host, Host];
  plane = await startOn(server);
  const { session, orgId: org } = await logInFrom(linuxA, plane.url);
  [token, orgId] = [session.token, org as OrgId];
  const input = { org_id: orgId, name: "machines", reusable: true };
  const { key } = await call(linuxA.fetch, plane.url, createAuthKey, input, { token });
  agents = [];
  for (const host of [linuxA, linuxB]) {
    Object.assign(host.environment, { ZTNA_API_URL: plane.url, ZTNA_AUTH_KEY: key });
    const agent = host.start("ztna", ["up"]);
    agents.push(agent);
    await agent.prints("Press Ctrl+C to stop...");
  }
});

afterAll(async () => {
  for (const agent of agents ?? []) await agent.stop();
  await plane?.process.stop();
  network?.remove();
});

test("ztna machines list and auth-keys list work for a machine that nobody has logged in to", async () => {
  const { code, stdout, stderr } = await linuxA.run("ztna", ["machines", "list"]);
  expect(code, stderr).toBe(0);
  expect(stdout).toMatch(/^NAME +TAILNET IP +OS +STATUS +LAST SEEN\n-+\nLinux-A +100\.64\.0\.1 +linux +online /);
  expect(stdout).toMatch(/\nTotal: 2 machines\n$/);
  const keys = await linuxA.run("ztna", ["auth-keys", "list"]);
  expect(keys).toEqual({
    code: 1,
    stdout: "",
    stderr: "auth key listing requires admin role (your role: member)\n",
  });
});

test("ztna auth-keys list works for an admin who has logged in", async () => {
  const login = `printf '%s\\n' '${owner.email}' '${owner.password}' | ztna login --interactive`;
  expect((await linuxA.shell(login)).stdout).toBe("Login successful!\n");
  const { stdout } = await linuxA.run("ztna", ["auth-keys", "list"]);
  expect(stdout).toMatch(/^KEY PREFIX +NAME +REUSABLE +EPHEMERAL +USES +EXPIRES\n/);
  expect(stdout).toMatch(/^tskey-auth-[0-9a-f]+\.\.\. +machines +yes +no +2 +\d{4}-\d\d-\d\d$/m);
});

test("what an agent measures of its network stands in its record: derp_latencies and connectivity", async () => {
  const region = "blr1";
  await expect.poll(async () => {
    const machines = await call(linuxA.fetch, plane.url, listMachines, { org_id: orgId }, { token });
    const { derp_latencies, client_connectivity } = machines.find(({ name }) => name === "Linux-A")!;
    return { measured: Object.keys(derp_latencies ?? {}).includes(region), client_connectivity };
  }, { timeout: 10_000 }).toEqual({
    measured: true,
    client_connectivity: { ipv6: false, udp: true, preferred_derp: region },
  });
  const { network } = JSON.parse((await linuxA.run("ztna", ["status", "--json"])).stdout);
  expect(network.connectivity.preferred_derp).toBe(region);
  const netcheck = JSON.parse((await linuxA.run("ztna", ["netcheck", "--json"])).stdout);
  expect([netcheck.nearest_derp, netcheck.stun_status]).toEqual([region, "not configured"]);
});

test("ztna set reaches the control plane at once, and the running agent's peers", async () => {
  const set = await linuxB.run("ztna", ["set", "--hostname", "Linux-B2", "--tags", "web", "--ssh"]);
  expect(set).toEqual({
    code: 0,
    stdout: "Hostname set to: Linux-B2\nTags set to: [web]\nSSH server enabled (local config only).\nSettings saved.\n",
    stderr: "",
  });
  expect(await machineNamed("Linux-B2")).toMatchObject({ tags: ["web"], ssh_enabled: true, tailnet_ip: "100.64.0.2" });
  await expect.poll(async () => (await linuxA.run("ztna", ["whois", "100.64.0.2"])).stdout).toContain("Linux-B2");
});

test("what ztna set could not tell goes with the next ztna up", async () => {
  await linuxB.run("ztna", ["down"]);
  network.plug(linuxB, "down");
  const set = await linuxB.run("ztna", ["set", "--accept-routes"], 60_000);
  expect(set.stdout).toBe("Accepting routes from peers.\nSettings saved.\n");
  expect(set.stderr).toMatch(/^Warning: failed to update accepted routes on control plane: /);
  network.plug(linuxB, "up");
  const agent = linuxB.start("ztna", ["up"]);
  agents.push(agent);
  await agent.prints("Press Ctrl+C to stop...");
  await expect.poll(async () => (await machineNamed("Linux-B2"))?.accept_routes).toBe(true);
});

test("ztna wg-config export lets wireguard-go take the agent's place", async () => {
  const exported = await linuxB.shell(
    "cd ~ && umask 077 && ztna wg-config export > wg.conf && wg-quick strip ./wg.conf",
  );
  expect(exported.stderr).toContain("the agent runs with the same key");
  expect(exported.stdout).toMatch(/^\[Interface\]\nPrivateKey = \S+\n/);
  expect((await linuxB.run("ztna", ["down"])).code).toBe(0);

  linuxB.environment["WG_PROCESS_FOREGROUND"] = "1";
  const wireguard = linuxB.start("wireguard-go", ["-f", tunnel]);
  agents.push(wireguard);
  await expect.poll(async () => (await linuxB.run("wg", ["show", tunnel])).code).toBe(0);
  const setUp = await linuxB.shell(`cd ~ && wg-quick strip ./wg.conf > stripped && wg setconf ${tunnel} stripped &&
    ip address add 100.64.0.2/32 dev ${tunnel} && ip link set ${tunnel} mtu 1280 up &&
    ip route add 100.64.0.1/32 dev ${tunnel}`);
  expect(setUp).toEqual({ code: 0, stdout: "", stderr: "" });
  const ping = await linuxB.run("ping", ["-c", "3", "-W", "5", "100.64.0.1"]);
  expect(ping.stdout).toContain(" 0% packet loss");
  const back = await linuxA.run("ping", ["-c", "3", "-W", "5", "100.64.0.2"]);
  expect(back.stdout).toContain(" 0% packet loss");
});

test("ztna bugreport of a running agent holds none of its secrets", async () => {
  const report = join(linuxA.home, "report.zip");
  expect((await linuxA.run("ztna", ["bugreport", "--output", report])).stdout).toContain(`written to ${report}\n`);
  const files = Object.values(unzipSync(readFileSync(report))).map((bytes) => strFromU8(bytes)).join("\n");
  const read = (name: string) => readFileSync(join(linuxA.home, ".config/ztna", name), "utf8");
  const [state, tokens, log] = [JSON.parse(read("state.json")), JSON.parse(read("tokens.json")), read("ztna.log")];
  const secrets = {
    wireguard: state.wireguard_private_key,
    machine: state.machine_private_key,
    node: state.registration.node_key,
    access: tokens.access_token,
    refresh: tokens.refresh_token,
    authKey: linuxA.environment["ZTNA_AUTH_KEY"]!,
  };
  expect(files).toContain('"machine_id"');
  for (const [name, secret] of Object.entries(secrets)) {
    expect(files.includes(secret), name).toBe(false);
    expect(log.includes(secret), name).toBe(false);
  }
});

test("lock_device and wipe_device reach the running agent: it locks, then removes all it kept here and ends", async () => {
  const { machine } = JSON.parse((await linuxA.run("ztna", ["status", "--json"])).stdout);
  const target = { org_id: orgId, machine_id: machine.id };
  await call(linuxA.fetch, plane.url, lockDevice, target, { token });
  await expect.poll(() => recordsOf(machine.id), { timeout: 10_000 }).toContainEqual(
    expect.stringMatching(/^machine\.lock(ed|_failed)$/),
  );
  expect((await linuxA.run("ztna", ["status", "--json"])).code).toBe(0);
  await linuxA.shell("touch ~/.config/ztna/mine.txt");
  const [agent] = agents;
  await call(linuxA.fetch, plane.url, wipeDevice, { ...target, confirm: `WIPE-${machine.id}` }, { token });
  expect(await agent!.exited).toBe(0);
  expect(agent!.stderr).toMatch(/An admin of your organization has wiped this machine/);
  expect(await recordsOf(machine.id)).toContain("machine.wiped");
  expect((await linuxA.shell("ls ~/.config/ztna")).stdout).toBe("mine.txt\n");
  const after = JSON.parse((await linuxA.run("ztna", ["status", "--json"])).stdout);
  expect(after).toMatchObject({ authenticated: false, machine: null, node_key: "" });
});

/** The actions on record of one machine. */
async function recordsOf(machineId: string) {
  const { logs } = await call(linuxA.fetch, plane.url, searchAuditLogs, { org_id: orgId, page_size: 200 }, { token });
  return logs.filter(({ resource_id }) => resource_id === machineId).map(({ action }) => action);
}

async function machineNamed(name: string) {
  const machines = await call(linuxA.fetch, plane.url, listMachines, { org_id: orgId }, { token });
  return machines.find((machine) => machine.name === name);
}
