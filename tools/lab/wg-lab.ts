import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { bin } from "../process/environment.ts";
import { Capture } from "./capture.ts";

/** A WireGuard key pair in base64. */
export interface WgKeys {
  readonly privateKey: string;
  readonly publicKey: string;
}

export function createWgKeys(): WgKeys {
  const { d, x } = generateKeyPairSync("x25519").privateKey.export({ format: "jwk" });
  const base64 = (part: string | undefined) => Buffer.from(part!, "base64url").toString("base64");
  return { privateKey: base64(d), publicKey: base64(x) };
}

export interface WgLabOptions {
  /** Puts a router between both ends that hides the agent's address and forgets an idle mapping after so many seconds. */
  readonly natS?: number;
  /** Of the wire. */
  readonly mtuBytes?: number;
}

/**
 * Two network namespaces joined by a veth pair; everything started in them ends with `close`. With a NAT a third one is
 * between them, and the agent's end is 198.51.100.1.
 */
export class WgLab {
  readonly agentSpace: string;
  readonly wgSpace: string;
  /** Interface of wireguard-go; its control socket is visible in all namespaces, so the name is unique. */
  readonly wgInterface: string;
  readonly #folder = mkdtempSync(join(tmpdir(), "tn-lab-"));
  readonly #children: ChildProcess[] = [];

  readonly #natSpace: string | undefined;

  constructor({ natS, mtuBytes = 1500 }: WgLabOptions = {}) {
    const id = process.pid % 100_000;
    this.agentSpace = `tn${id}a`;
    this.wgSpace = `tn${id}b`;
    this.wgInterface = `tnwg${id}`;
    ip("netns", "add", this.agentSpace);
    ip("netns", "add", this.wgSpace);
    this.#natSpace = natS === undefined ? undefined : `tn${id}n`;
    if (natS !== undefined) this.#addNat(this.#natSpace!, natS);
    else ip("link", "add", "tn0", "netns", this.agentSpace, "type", "veth", "peer", "tn1", "netns", this.wgSpace);
    if (natS === undefined) this.#address(this.agentSpace, "tn0", 1);
    this.#address(this.wgSpace, "tn1", 2);
    for (const [space, link] of [[this.agentSpace, "tn0"], [this.wgSpace, "tn1"]] as const) {
      this.run(space, "ip", "link", "set", link, "mtu", String(mtuBytes));
    }
  }

  /** Watches the wire at the agent's end. */
  async capture(): Promise<Capture> {
    // Until neighbours have found each other, what a test sends is lost.
    if (this.#natSpace === undefined) await until(() => this.#reaches("fd00:77::2") && this.#reaches("192.0.2.2"));
    return await Capture.open(this.agentSpace, "tn0", join(this.#folder, "wire.pcap"));
  }

  /** Runs a program to its end in a namespace and returns what it printed. */
  run(space: string, ...command: string[]): string {
    return execFileSync("ip", ["netns", "exec", space, ...command], { encoding: "utf8", stdio: "pipe" });
  }

  /** Runs a program beside this one. */
  start(space: string, ...command: string[]): ChildProcess {
    const child = spawn("ip", ["netns", "exec", space, ...command], {
      stdio: ["pipe", "pipe", "inherit"],
      env: { ...process.env, WG_PROCESS_FOREGROUND: "1", DENO_NO_UPDATE_CHECK: "1", LOG_LEVEL: "error" },
    });
    this.#children.push(child);
    return child;
  }

  /** Starts wireguard-go with `wg set`-like settings and an address. */
  async startWireGuardGo(keys: WgKeys, port: number, address: string): Promise<ChildProcess> {
    const child = this.start(this.wgSpace, "wireguard-go", "-f", this.wgInterface);
    await until(() => this.#wgAnswers());
    this.wg("set", this.wgInterface, "listen-port", `${port}`, "private-key", this.file("wg.key", keys.privateKey));
    this.run(this.wgSpace, "ip", "address", "add", address, "dev", this.wgInterface);
    this.run(this.wgSpace, "ip", "link", "set", this.wgInterface, "mtu", "1420", "up");
    return child;
  }

  wg(...args: string[]): string {
    return this.run(this.wgSpace, "wg", ...args);
  }

  async startAgent(config: object): Promise<LabAgent> {
    const program = resolve(import.meta.dirname, "wg-agent.ts");
    const file = this.file("agent.json", JSON.stringify(config));
    const agent = new LabAgent(this.start(this.agentSpace, bin("deno"), "run", "-A", program, file));
    await agent.told("ready");
    return agent;
  }

  file(name: string, text: string): string {
    const path = join(this.#folder, name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  }

  async close(): Promise<void> {
    await Promise.all(this.#children.map(stop));
    for (const space of [this.agentSpace, this.wgSpace, this.#natSpace]) {
      if (space !== undefined) ip("netns", "delete", space);
    }
    rmSync(this.#folder, { recursive: true });
  }

  #address(space: string, link: string, host: number): void {
    this.run(space, "ip", "link", "set", "lo", "up");
    this.run(space, "ip", "address", "add", `192.0.2.${host}/24`, "dev", link);
    this.run(space, "ip", "address", "add", `fd00:77::${host}/64`, "dev", link, "nodad");
    this.run(space, "ip", "link", "set", link, "up");
  }

  #addNat(space: string, idleS: number): void {
    ip("netns", "add", space);
    ip("link", "add", "tn0", "netns", this.agentSpace, "type", "veth", "peer", "in0", "netns", space);
    ip("link", "add", "out0", "netns", space, "type", "veth", "peer", "tn1", "netns", this.wgSpace);
    this.run(this.agentSpace, "ip", "link", "set", "lo", "up");
    for (
      const [where, link, address] of [
        [this.agentSpace, "tn0", "198.51.100.1/24"],
        [space, "in0", "198.51.100.254/24"],
        [space, "out0", "192.0.2.254/24"],
      ] as const
    ) {
      this.run(where, "ip", "address", "add", address, "dev", link);
      this.run(where, "ip", "link", "set", link, "up");
    }
    this.run(this.agentSpace, "ip", "route", "add", "default", "via", "198.51.100.254");
    const rules = "table ip t { chain c { type nat hook postrouting priority 100; oifname out0 masquerade; }; }";
    this.run(space, "sh", "-c", `echo 1 > /proc/sys/net/ipv4/ip_forward; nft '${rules}'`);
    for (const kind of ["timeout", "timeout_stream"]) {
      this.run(space, "sh", "-c", `echo ${idleS} > /proc/sys/net/netfilter/nf_conntrack_udp_${kind}`);
    }
  }

  #reaches(address: string): boolean {
    try {
      return this.run(this.agentSpace, "ping", "-c", "1", "-W", "1", address).includes(" 0% packet loss");
    } catch {
      return false;
    }
  }

  #wgAnswers(): boolean {
    try {
      return this.wg("show", this.wgInterface).includes("interface");
    } catch {
      return false;
    }
  }
}

/** A running wg-agent.ts and the JSON lines it told. */
export class LabAgent {
  readonly process: ChildProcess;
  readonly lines: Record<string, unknown>[] = [];

  constructor(process: ChildProcess) {
    this.process = process;
    createInterface({ input: process.stdout! }).on("line", (line) => this.lines.push(JSON.parse(line)));
  }

  /** The first line of this type; waits for it. */
  async told(type: string): Promise<Record<string, unknown>> {
    await until(() => this.lines.some((line) => line["type"] === type) || this.process.exitCode !== null);
    const line = this.lines.find((line) => line["type"] === type);
    if (line === undefined) throw new Error(`the agent ended (${this.process.exitCode}) before it told "${type}"`);
    return line;
  }

  /** Gives it other peers than it has. */
  setPeers(peers: readonly object[]): void {
    this.process.stdin!.write(`${JSON.stringify({ peers })}\n`);
  }

  async state(): Promise<
    { peers: { txBytes: number; rxBytes: number; handshakes: number }[]; drops: Record<string, number> }
  > {
    const before = this.lines.length;
    this.process.stdin!.write("state\n");
    await until(() => this.lines.slice(before).some((line) => line["type"] === "state"));
    return this.lines.slice(before).find((line) => line["type"] === "state") as never;
  }
}

export async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  const late = setTimeout(() => child.kill("SIGKILL"), 3000);
  await ended;
  clearTimeout(late);
}

export async function until(condition: () => boolean, limitMs = 20_000): Promise<void> {
  const end = performance.now() + limitMs;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`waited ${limitMs} ms in vain for ${condition}`);
    await delay(20);
  }
}

function ip(...args: string[]): void {
  execFileSync("ip", args, { stdio: "pipe" });
}
