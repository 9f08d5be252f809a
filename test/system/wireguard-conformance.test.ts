/** What a WireGuard peer must cope with, against wireguard-go; both ends and the wire as in wireguard-interop.test.ts. */
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import type { Capture } from "../../tools/lab/capture.ts";
import { createWgKeys, type LabAgent, until, WgLab, type WgLabOptions } from "../../tools/lab/wg-lab.ts";
import { bin, root } from "../../tools/process/environment.ts";

const AGENT_PORT = 41_641;
const WG_PORT = 51_820;
const agentKeys = createWgKeys();
const wgKeys = createWgKeys();

let lab: WgLab;
let capture: Capture | undefined;
/** True in a test whose wire carries less than a whole message. */
let isCut = false;

async function openLab(options: WgLabOptions & { tunnelMtuBytes?: number } = {}): Promise<void> {
  lab = new WgLab(options);
  await lab.startWireGuardGo(wgKeys, WG_PORT, "10.77.0.2/24");
  const { tunnelMtuBytes = 1420 } = options;
  const address = ["address", "add", "fd07:7::2/64", "nodad", "dev", lab.wgInterface];
  lab.run(lab.wgSpace, "ip", ...address);
  lab.run(lab.wgSpace, "ip", "link", "set", lab.wgInterface, "mtu", String(tunnelMtuBytes));
  capture = await lab.capture();
  isCut = false;
}

afterEach(async () => {
  const seen = await capture?.close();
  capture = undefined;
  await lab.close();
  expect(seen?.foreign ?? []).toEqual([]);
  expect((seen?.pieces ?? 0) > 0).toBe(isCut);
});

test("IPv6 packets cross, alone and in streams, over IPv4 and over IPv6", async () => {
  await openLab();
  addAgentToWg();
  const agent = await startAgent({ endpoint: `192.0.2.2:${WG_PORT}` });
  expect(lost(pingFromAgent("-c", "3", "fd07:7::2"))).toBe(0);
  expect(lost(ping(lab.wgSpace, "-c", "3", "fd07:7::1"))).toBe(0);
  expect(await mbitFromAgent("fd07:7::2")).toBeGreaterThan(20);
  agent.setPeers([peer({ endpoint: `[fd00:77::2]:${WG_PORT}` })]);
  lab.wg("set", lab.wgInterface, "peer", agentKeys.publicKey, "endpoint", `[fd00:77::1]:${AGENT_PORT}`);
  expect(lost(pingFromAgent("-c", "3", "fd07:7::2"))).toBe(0);
  expect(lost(pingFromAgent("-c", "3", "10.77.0.2"))).toBe(0);
});

test("Sessions are renewed under traffic and nothing is lost", async () => {
  await openLab();
  addAgentToWg();
  const agent = await startAgent({ endpoint: `192.0.2.2:${WG_PORT}`, rekeyAfterS: 2 });
  expect(lost(pingFromAgent("-i", "0.02", "-c", "500"))).toBe(0);
  const { peers } = await agent.state();
  expect(peers[0]!.handshakes).toBeGreaterThanOrEqual(4);
});

test("A pre-shared key is changed on both ends while traffic flows", async () => {
  await openLab();
  const [first, second] = [createWgKeys().privateKey, createWgKeys().privateKey];
  addAgentToWg("preshared-key", lab.file("psk", first));
  const endpoint = `192.0.2.2:${WG_PORT}`;
  const agent = await startAgent({ endpoint, presharedKey: first, rekeyAfterS: 2 });
  const pings = lab.start(lab.agentSpace, "ping", "-q", "-i", "0.02", "-c", "400", "10.77.0.2");
  let report = "";
  pings.stdout!.on("data", (text) => report += text);
  await delay(3_000);
  agent.setPeers([peer({ endpoint, presharedKey: second })]);
  lab.wg("set", lab.wgInterface, "peer", agentKeys.publicKey, "preshared-key", lab.file("psk2", second));
  await until(() => pings.exitCode !== null);
  expect(lost(report)).toBe(0);
  const { peers } = await agent.state();
  expect(peers[0]!.handshakes).toBeGreaterThanOrEqual(3);
});

test("wireguard-go under load asks for a cookie, and the agent comes back with it", async () => {
  await openLab();
  addAgentToWg();
  // It is under load when 128 handshakes wait: they come in bursts of a thousand, faster than any processor answers them.
  const flood = startFlood(lab.agentSpace, `192.0.2.2:${WG_PORT}`, wgKeys.publicKey, 40_000, 25);
  await delay(1_500);
  const agent = await startAgent({ endpoint: `192.0.2.2:${WG_PORT}` });
  expect(lost(pingFromAgent("-c", "20", "-i", "1"))).toBeLessThan(100);
  const { answers } = await flood.report();
  expect(answers[3], "cookies").toBeGreaterThan(0);
  const { peers } = await agent.state();
  expect(peers[0]!.handshakes).toBeGreaterThanOrEqual(1);
}, 60_000);

test("The agent under load asks for a cookie, and wireguard-go comes back with it", async () => {
  await openLab();
  const agent = await startAgent({});
  // Load for it, and no more than it gives cookies to: wireguard-go tries once in five seconds.
  const flood = startFlood(lab.wgSpace, `192.0.2.1:${AGENT_PORT}`, agentKeys.publicKey, 400);
  await delay(1_500);
  addAgentToWg("endpoint", `192.0.2.1:${AGENT_PORT}`);
  expect(lost(ping(lab.wgSpace, "-c", "20", "-i", "1", "10.77.0.1"))).toBeLessThan(100);
  const { answers } = await flood.report();
  expect(answers[3], "cookies").toBeGreaterThan(0);
  const { drops } = await agent.state();
  expect(drops["handshake.under_load"]).toBeGreaterThan(answers[3]! - 1);
}, 60_000);

test("The agent follows a peer to another port and another address, and is followed", async () => {
  await openLab();
  addAgentToWg();
  await startAgent({ endpoint: `192.0.2.2:${WG_PORT}` });
  expect(lost(pingFromAgent("-c", "2"))).toBe(0);
  lab.wg("set", lab.wgInterface, "listen-port", "51999");
  expect(lost(ping(lab.wgSpace, "-c", "2", "10.77.0.1"))).toBe(0);
  expect(lost(pingFromAgent("-c", "2"))).toBe(0);
  for (const [space, link, host] of [[lab.wgSpace, "tn1", "12"], [lab.agentSpace, "tn0", "11"]] as const) {
    lab.run(space, "ip", "address", "flush", "dev", link, "scope", "global");
    lab.run(space, "ip", "address", "add", `192.0.2.${host}/24`, "dev", link);
    // Who has moved speaks first.
    const [from, target] = space === lab.wgSpace ? [lab.wgSpace, "10.77.0.1"] : [lab.agentSpace, "10.77.0.2"];
    // wireguard-go keeps to the source address it had until its socket is a new one.
    if (space === lab.wgSpace) lab.wg("set", lab.wgInterface, "listen-port", "51998");
    expect(lost(ping(from, "-c", "2", target))).toBeLessThan(100);
    expect(lost(pingFromAgent("-c", "2"))).toBe(0);
    expect(lost(ping(lab.wgSpace, "-c", "2", "10.77.0.1"))).toBe(0);
  }
  expect(lab.wg("show", lab.wgInterface, "endpoints")).toContain("192.0.2.11:");
});

test("A persistent keepalive keeps the way through a NAT open", async () => {
  await openLab({ natS: 3 });
  addAgentToWg();
  const endpoint = `192.0.2.2:${WG_PORT}`;
  const agent = await startAgent({ endpoint, persistentKeepaliveS: 1 });
  expect(lost(pingFromAgent("-c", "2"))).toBe(0);
  await delay(7_000);
  expect(lost(ping(lab.wgSpace, "-c", "2", "10.77.0.1"))).toBe(0);
  // Without it the mapping is forgotten, and nothing gets in until the agent speaks.
  agent.setPeers([peer({ endpoint })]);
  await delay(20_000);
  expect(lost(ping(lab.wgSpace, "-c", "2", "10.77.0.1"))).toBe(100);
  expect(lost(pingFromAgent("-c", "2"))).toBe(0);
}, 60_000);

test("Packets from addresses the peer may not use are dropped and counted, and none goes to them", async () => {
  await openLab();
  addAgentToWg();
  const agent = await startAgent({ endpoint: `192.0.2.2:${WG_PORT}` });
  expect(lost(pingFromAgent("-c", "1"))).toBe(0);
  lab.run(lab.wgSpace, "ip", "address", "add", "10.77.0.66/24", "dev", lab.wgInterface);
  expect(lost(ping(lab.wgSpace, "-c", "2", "-I", "10.77.0.66", "10.77.0.1"))).toBe(100);
  expect(lost(pingFromAgent("-c", "2", "10.77.0.77"))).toBe(100);
  const { drops } = await agent.state();
  expect(drops["udp.source_not_allowed"]).toBeGreaterThanOrEqual(2);
  expect(drops["tun.no_route"]).toBeGreaterThanOrEqual(2);
});

test("Congestion marks go through the tunnel as RFC 6040 has it", async () => {
  await openLab();
  addAgentToWg();
  const agent = await startAgent({ endpoint: `192.0.2.2:${WG_PORT}` });
  expect(lost(pingFromAgent("-c", "1"))).toBe(0);
  // What the agent sends bears the mark of what is inside.
  nft("type filter hook input priority 0; udp sport 41641 ip ecn ect0 counter");
  expect(lost(pingFromAgent("-c", "4", "-Q", "2"))).toBe(0);
  const counted = /counter packets (\d+)/.exec(lab.run(lab.wgSpace, "nft", "list", "table", "ip", "t"))![1];
  expect(Number(counted)).toBe(4);
  lab.run(lab.wgSpace, "nft", "delete", "table", "ip", "t");
  // A router on the way back marks everything: capable packets arrive marked, others must not arrive.
  nft("type filter hook output priority 0; udp dport 41641 ip ecn set ce");
  const watch = lab.start(
    lab.agentSpace,
    "tcpdump",
    "-i",
    "ztna0",
    "-n",
    "-l",
    "-c",
    "1",
    "ip and icmp and ip[1] & 3 = 3",
  );
  let marked = "";
  watch.stdout!.on("data", (text) => marked += text);
  await delay(700);
  ping(lab.wgSpace, "-c", "2", "-Q", "2", "10.77.0.1");
  await until(() => marked.includes("echo request"));
  expect(lost(ping(lab.wgSpace, "-c", "2", "10.77.0.1"))).toBe(100);
  const { drops } = await agent.state();
  expect(drops["udp.congestion"]).toBe(2);
});

test("A program's own UDP super-packet crosses as the datagrams it stands for", async () => {
  await openLab();
  addAgentToWg();
  const agent = await startAgent({ endpoint: `192.0.2.2:${WG_PORT}` });
  expect(lost(pingFromAgent("-c", "1"))).toBe(0);
  // UDP_SEGMENT is 103 at level SOL_UDP, 17.
  const listen = "s=socket(AF_INET,SOCK_DGRAM); s.bind(('10.77.0.2',9000)); s.settimeout(5); print('up',flush=True); ";
  const count = "print([len(s.recv(2000)) for _ in range(5)])";
  const receiver = lab.start(lab.wgSpace, "python3", "-c", `from socket import *; ${listen}${count}`);
  let got = "";
  receiver.stdout!.on("data", (text) => got += text);
  await until(() => got.includes("up"));
  const segment = "s=socket(AF_INET,SOCK_DGRAM); s.setsockopt(17,103,1000); s.sendto(bytes(4321),('10.77.0.2',9000))";
  lab.run(lab.agentSpace, "python3", "-c", `from socket import *; ${segment}`);
  await until(() => got.includes("]"));
  expect(got).toContain("[1000, 1000, 1000, 1000, 321]");
  expect((await agent.state()).drops["tun.malformed"]).toBe(0);
});

test("A link that carries less than a datagram cuts it, and nothing is lost", async () => {
  await openLab();
  addAgentToWg();
  await startAgent({ endpoint: `192.0.2.2:${WG_PORT}` });
  for (const [space, link] of [[lab.agentSpace, "tn0"], [lab.wgSpace, "tn1"]] as const) {
    lab.run(space, "ip", "link", "set", link, "mtu", "1300");
  }
  isCut = true;
  expect(lost(pingFromAgent("-M", "do", "-s", "1392", "-c", "3"))).toBe(0);
  expect(await mbitFromAgent("10.77.0.2")).toBeGreaterThan(5);
});

test("An interface that promises more than the tunnel carries: senders are told the size, and streams find it", async () => {
  await openLab();
  addAgentToWg();
  const agent = await startAgent({ endpoint: `192.0.2.2:${WG_PORT}` });
  for (const [space, link] of [[lab.agentSpace, "ztna0"], [lab.wgSpace, lab.wgInterface]] as const) {
    lab.run(space, "ip", "link", "set", link, "mtu", "9000");
  }
  for (const [target, said] of [["10.77.0.2", "mtu = 1420"], ["fd07:7::2", "mtu=1420"]] as const) {
    expect(pingFromAgent("-M", "do", "-s", "2000", "-c", "1", target)).toContain(said);
    // What it was told holds for a while: a stream must do without.
    lab.run(lab.agentSpace, "ip", "route", "flush", "cache");
    lab.run(lab.agentSpace, "ip", "-6", "route", "flush", "cache");
    const most = target.includes(":") ? 1360 : 1380;
    const { mbit, segmentBytes } = await streamFromAgent(target);
    expect(mbit).toBeGreaterThan(20);
    expect(segmentBytes).toBeLessThanOrEqual(most);
  }
  expect((await agent.state()).drops["tun.too_big"]).toBe(2);
});

for (const mtuBytes of [1280, 1420, 9000]) {
  test(`Packets of ${mtuBytes} bytes, and streams of them, cross whole`, async () => {
    await openLab({ mtuBytes: mtuBytes + 80, tunnelMtuBytes: mtuBytes });
    addAgentToWg();
    await startAgent({ endpoint: `192.0.2.2:${WG_PORT}`, mtuBytes });
    const whole = ["-M", "do", "-s", String(mtuBytes - 28), "-c", "3"];
    expect(lost(pingFromAgent(...whole))).toBe(0);
    expect(lost(ping(lab.wgSpace, ...whole, "10.77.0.1"))).toBe(0);
    expect(await mbitFromAgent("10.77.0.2")).toBeGreaterThan(20);
  });
}

interface AgentSettings {
  readonly endpoint?: string;
  readonly presharedKey?: string;
  readonly persistentKeepaliveS?: number;
  readonly rekeyAfterS?: number;
  readonly mtuBytes?: number;
}

function startAgent(settings: AgentSettings): Promise<LabAgent> {
  const { rekeyAfterS, mtuBytes = 1420 } = settings;
  return lab.startAgent({
    privateKey: agentKeys.privateKey,
    listenPort: AGENT_PORT,
    mtuBytes,
    addresses: ["10.77.0.1/32", "fd07:7::1/128"],
    routes: ["10.77.0.0/24", "fd07:7::/64"],
    peers: [peer(settings)],
    rekeyAfterS,
    // wireguard-interop.test.ts has one.
    threads: 2,
  });
}

function peer({ endpoint, presharedKey, persistentKeepaliveS }: AgentSettings): object {
  return {
    publicKey: wgKeys.publicKey,
    presharedKey,
    allowedIps: ["10.77.0.2/32", "fd07:7::2/128"],
    endpoints: endpoint === undefined ? [] : [endpoint],
    persistentKeepaliveS,
  };
}

function addAgentToWg(...settings: string[]): void {
  const allowed = ["peer", agentKeys.publicKey, "allowed-ips", "10.77.0.1/32,fd07:7::1/128"];
  lab.wg("set", lab.wgInterface, ...allowed, ...settings);
}

/** One chain of one rule at wireguard-go's end of the wire. */
function nft(chain: string): void {
  lab.run(lab.wgSpace, "nft", `table ip t { chain c { ${chain}; }; }`);
}

/** Initiations from addresses of their own, enough to be load for whoever gets them. */
function startFlood(space: string, to: string, key: string, perSecond: number, stepMs = 5) {
  const sources = Array.from({ length: 16 }, (_, index) => `192.0.2.${100 + index}`);
  const link = space === lab.agentSpace ? "tn0" : "tn1";
  for (const source of sources) lab.run(space, "ip", "address", "add", `${source}/32`, "dev", link);
  const script = `${root}/tools/lab/handshake-flood.ts`;
  const rate = ["--rate", String(perSecond), "--step", String(stepMs), "--seconds", "16"];
  const args = ["--to", to, "--key", key, "--from", sources.join(","), ...rate];
  const child = lab.start(space, bin("deno"), "run", "-A", script, ...args);
  let text = "";
  child.stdout!.on("data", (part) => text += part);
  return {
    async report(): Promise<{ sent: number; answers: Record<number, number> }> {
      await until(() => child.exitCode !== null, 30_000);
      return JSON.parse(text);
    },
  };
}

function pingFromAgent(...args: string[]): string {
  const hasTarget = args.length > 0 && /^(10\.|fd)/.test(args.at(-1)!);
  return ping(lab.agentSpace, ...args, ...(hasTarget ? [] : ["10.77.0.2"]));
}

function ping(space: string, ...args: string[]): string {
  return lab.run(space, "sh", "-c", `ping -W 5 ${args.join(" ")} || true`);
}

/** Per cent of packets that did not come back. */
function lost(report: string): number {
  const match = /([\d.]+)% packet loss/.exec(report);
  if (match === null) throw new Error(`ping printed no summary: ${report}`);
  return Number(match[1]);
}

async function mbitFromAgent(target: string): Promise<number> {
  return (await streamFromAgent(target)).mbit;
}

async function streamFromAgent(target: string): Promise<{ mbit: number; segmentBytes: number }> {
  lab.start(lab.wgSpace, "iperf3", "-s", "-B", target, "-1");
  await until(() => lab.run(lab.wgSpace, "ss", "-ltn").includes(":5201"));
  const report = lab.run(lab.agentSpace, "iperf3", "-c", target, "-t", "2", "-J");
  const { start, end } = JSON.parse(report);
  return { mbit: end.sum_received.bits_per_second / 1e6, segmentBytes: start.tcp_mss_default };
}
