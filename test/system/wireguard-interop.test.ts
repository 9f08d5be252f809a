/**
 *      namespace tn…a                                  namespace tn…b
 *   +---------------------------+                  +---------------------------+
 *   | wg-agent.ts (Deno)        |                  | wireguard-go and wg       |
 *   | ztna0       10.77.0.1     |==== tunnel ======| tnwg…       10.77.0.2     |
 *   |                           |                  |                           |
 *   | tn0         192.0.2.1     |------ veth ------| tn1         192.0.2.2     |
 *   |             fd00:77::1    |                  |             fd00:77::2    |
 *   +---------------------------+                  +---------------------------+
 */
import { once } from "node:events";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Capture } from "../../tools/lab/capture.ts";
import { createWgKeys, type LabAgent, stop, until, WgLab } from "../../tools/lab/wg-lab.ts";

const AGENT_PORT = 41_641;
const WG_PORT = 51_820;
const agentKeys = createWgKeys();
const wgKeys = createWgKeys();
const psk = createWgKeys().privateKey;

let lab: WgLab;
let capture: Capture;
beforeEach(async () => {
  lab = new WgLab();
  await lab.startWireGuardGo(wgKeys, WG_PORT, "10.77.0.2/24");
  capture = await lab.capture();
});
afterEach(async () => {
  const { foreign } = await capture.close();
  await lab.close();
  expect(foreign).toEqual([]);
});

test("The agent starts a handshake with wireguard-go and both ping through the tunnel", async () => {
  addAgentToWg();
  const agent = await startAgent(`192.0.2.2:${WG_PORT}`);
  expect(lost(pingFromAgent("-c", "3"))).toBe(0);
  expect(lost(pingFromWg("-c", "3"))).toBe(0);
  expect(handshakeAge()).toBeLessThan(10);
  await agentSawTraffic(agent);
});

test("wireguard-go starts the handshake and both ping through the tunnel", async () => {
  const agent = await startAgent();
  addAgentToWg("endpoint", `192.0.2.1:${AGENT_PORT}`);
  expect(lost(pingFromWg("-c", "3"))).toBe(0);
  expect(lost(pingFromAgent("-c", "3"))).toBe(0);
  await agentSawTraffic(agent);
});

test("A preshared key is part of the handshake on both sides", async () => {
  await startAgent(`192.0.2.2:${WG_PORT}`, psk);
  addAgentToWg("preshared-key", lab.file("psk", psk));
  expect(lost(pingFromAgent("-c", "3"))).toBe(0);
});

test("A wrong preshared key lets nothing through", async () => {
  await startAgent(`192.0.2.2:${WG_PORT}`);
  addAgentToWg("preshared-key", lab.file("psk", psk));
  expect(lost(pingFromAgent("-c", "2"))).toBe(100);
});

test("The tunnel runs over IPv6 as well", async () => {
  addAgentToWg();
  await startAgent(`[fd00:77::2]:${WG_PORT}`);
  expect(lost(pingFromAgent("-c", "3"))).toBe(0);
  expect(lab.wg("show", lab.wgInterface, "endpoints")).toContain(`[fd00:77::1]:${AGENT_PORT}`);
});

test("When wireguard-go forgets the session a new handshake brings the tunnel back, whoever speaks first", async () => {
  await startAgent(`192.0.2.2:${WG_PORT}`);
  addAgentToWg("endpoint", `192.0.2.1:${AGENT_PORT}`);
  expect(lost(pingFromAgent("-c", "2"))).toBe(0);
  removeAgentFromWg();
  addAgentToWg("endpoint", `192.0.2.1:${AGENT_PORT}`);
  expect(lost(pingFromWg("-c", "3"))).toBe(0);
  removeAgentFromWg();
  addAgentToWg();
  // The agent learns of the loss when nothing answers for 15 s.
  await until(() => lost(pingFromAgent("-c", "1")) === 0, 40_000);
});

test("A flood of pings crosses without a loss", async () => {
  addAgentToWg();
  await startAgent(`192.0.2.2:${WG_PORT}`);
  pingFromAgent("-c", "1");
  expect(lost(pingFromAgent("-f", "-c", "1000", "-s", "1200"))).toBe(0);
});

test("TCP runs through the tunnel in both directions", async () => {
  addAgentToWg();
  const agent = await startAgent(`192.0.2.2:${WG_PORT}`);
  lab.start(lab.wgSpace, "iperf3", "-s", "-B", "10.77.0.2");
  await until(() => lab.run(lab.wgSpace, "ss", "-ltn").includes(":5201"));
  for (const direction of [[], ["-R"]]) {
    const report = lab.run(lab.agentSpace, "iperf3", "-c", "10.77.0.2", "-t", "3", "-J", ...direction);
    const mbit = JSON.parse(report).end.sum_received.bits_per_second / 1e6;
    const { engine } = await agent.told("ready");
    console.log(`iperf3 ${direction[0] ?? "  "} agent <-> wireguard-go: ${mbit.toFixed(0)} Mbit/s (${engine})`);
    expect(mbit).toBeGreaterThan(20);
  }
});

test("The agent notices at once that its interface was deleted", async () => {
  const agent = await startAgent(`192.0.2.2:${WG_PORT}`);
  lab.run(lab.agentSpace, "ip", "link", "delete", "ztna0");
  const ended = once(agent.process, "exit");
  expect(await agent.told("fault")).toMatchObject({ where: "tun", message: "The interface ztna0 is gone." });
  expect(await ended).toEqual([4, null]);
});

test("The agent ends within a second of being asked", async () => {
  const agent = await startAgent();
  const start = performance.now();
  await stop(agent.process);
  expect(performance.now() - start).toBeLessThan(1000);
  expect(agent.process.exitCode).toBe(0);
});

function startAgent(endpoint?: string, presharedKey?: string): Promise<LabAgent> {
  return lab.startAgent({
    privateKey: agentKeys.privateKey,
    listenPort: AGENT_PORT,
    mtuBytes: 1420,
    addresses: ["10.77.0.1/32"],
    routes: ["10.77.0.0/24"],
    threads: 1,
    peers: [{
      publicKey: wgKeys.publicKey,
      presharedKey,
      allowedIps: ["10.77.0.2/32"],
      endpoints: endpoint === undefined ? [] : [endpoint],
    }],
  });
}

function addAgentToWg(...settings: string[]): void {
  const peer = ["peer", agentKeys.publicKey, "allowed-ips", "10.77.0.1/32"];
  lab.wg("set", lab.wgInterface, ...peer, ...settings);
}

function removeAgentFromWg(): void {
  lab.wg("set", lab.wgInterface, "peer", agentKeys.publicKey, "remove");
}

function pingFromAgent(...args: string[]): string {
  return ping(lab.agentSpace, "10.77.0.2", args);
}

function pingFromWg(...args: string[]): string {
  return ping(lab.wgSpace, "10.77.0.1", args);
}

function ping(space: string, target: string, args: readonly string[]): string {
  return lab.run(space, "sh", "-c", `ping -W 5 ${args.join(" ")} ${target} || true`);
}

/** Per cent of packets that did not come back. */
function lost(report: string): number {
  const match = /([\d.]+)% packet loss/.exec(report);
  if (match === null) throw new Error(`ping printed no summary: ${report}`);
  return Number(match[1]);
}

/** Seconds since wireguard-go's last handshake with the agent. */
function handshakeAge(): number {
  const line = lab.wg("show", lab.wgInterface, "latest-handshakes").trim();
  return Date.now() / 1000 - Number(line.split("\t")[1]);
}

async function agentSawTraffic(agent: LabAgent): Promise<void> {
  const { peers, drops } = await agent.state();
  expect(peers[0]!.rxBytes).toBeGreaterThan(6 * 84);
  expect(peers[0]!.txBytes).toBeGreaterThan(6 * 84);
  const forged = Object.entries(drops).filter(([reason, count]) =>
    /forged|replayed|mac1|source/.test(reason) && count > 0
  );
  expect(forged).toEqual([]);
}
