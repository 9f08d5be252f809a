import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { descendants } from "../lab/processes.ts";
import { createWgKeys, stop, until, type WgKeys } from "../lab/wg-lab.ts";
import { bin, root, toolEnvironment } from "../process/environment.ts";

/** What carries the packets between the two ends: our agent with one engine, wireguard-go, or the bare veth. */
export type Carrier =
  | { readonly kind: "ztna"; readonly engine: string | undefined }
  | { readonly kind: "wireguard-go" }
  | { readonly kind: "veth" };

const TUNNEL_MTU_BYTES = 1420;
const PORT = 51_820;

/**
 * Two namespaces with the same tunnel program in each:
 *
 *     <prefix>a: tunnel 10.77.0.1, veth 192.0.2.1 ---- <prefix>b: tunnel 10.77.0.2, veth 192.0.2.2, iperf3 server
 */
export class TunnelPair {
  readonly carrier: Carrier;
  readonly near: string;
  /** Address of the far end, through the tunnel. */
  readonly target: string;
  readonly #far: string;
  readonly #folder = mkdtempSync(join(tmpdir(), "ztna-bench-tunnel-"));
  readonly #children: ChildProcess[] = [];
  readonly #ends: ChildProcess[] = [];
  #farPublicKey = "";

  private constructor(carrier: Carrier, prefix: string) {
    this.carrier = carrier;
    this.near = `${prefix}a`;
    this.#far = `${prefix}b`;
    this.target = carrier.kind === "veth" ? "192.0.2.2" : "10.77.0.2";
  }

  static async open(carrier: Carrier, prefix: string): Promise<TunnelPair> {
    const pair = new TunnelPair(carrier, prefix);
    try {
      pair.#wire();
      const keys = [createWgKeys(), createWgKeys()] as const;
      pair.#farPublicKey = keys[1].publicKey;
      await pair.#startEnd(pair.near, 1, keys);
      await pair.#startEnd(pair.#far, 2, keys);
      pair.#start(pair.#far, ["iperf3", "-s"]);
      await until(() => pair.#answers());
      return pair;
    } catch (error) {
      await pair.close();
      throw error;
    }
  }

  /** Runs a program in the near namespace and returns its standard output; it may fail. */
  async run(command: readonly string[]): Promise<string> {
    const child = spawn("ip", ["netns", "exec", this.near, ...command], { stdio: ["ignore", "pipe", "ignore"] });
    let output = "";
    child.stdout.on("data", (chunk) => (output += chunk));
    await new Promise((settle) => child.on("close", settle));
    return output;
  }

  /**
   * Handshakes that pass the first check and nothing else, 20,000 a second for so many seconds, from addresses of their own:
   * to the far tunnel program, or to a port of its host where nobody listens.
   */
  async floodHandshakes(target: "tunnel" | "nobody", seconds: number): Promise<void> {
    const sources = Array.from({ length: 16 }, (_, index) => `192.0.2.${100 + index}`);
    for (const source of sources) ip("-n", this.near, "address", "replace", `${source}/32`, "dev", "v0");
    const to = `192.0.2.2:${target === "tunnel" ? PORT : PORT + 1}`;
    const flags = ["--to", to, "--key", this.#farPublicKey, "--from", sources.join(","), "--rate", "20000"];
    const script = join(root, "tools/lab/handshake-flood.ts");
    await this.run([bin("deno"), "run", "-A", script, ...flags, "--seconds", String(seconds)]);
  }

  /** CPU time of both tunnel programs so far, in seconds; 0 where the kernel alone carries. */
  cpuSeconds(): number {
    const ticks = this.#pids().reduce((sum, pid) => {
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      const [user, system] = stat.slice(stat.lastIndexOf(")") + 2).split(" ").slice(11, 13).map(Number);
      return sum + user! + system!;
    }, 0);
    return ticks / TICKS_PER_SECOND;
  }

  /** The larger peak of resident memory of the two programs, in MiB. */
  peakMebibytes(): number {
    const peaks = this.#pids().map((pid) => {
      const found = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
      return Number(found?.[1] ?? 0) / 1024;
    });
    return Math.max(0, ...peaks);
  }

  async close(): Promise<void> {
    await Promise.all(this.#children.map(stop));
    for (const space of [this.near, this.#far]) {
      if (readdirSync("/run/netns").includes(space)) ip("netns", "delete", space);
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #wire(): void {
    for (const space of [this.near, this.#far]) ip("netns", "add", space);
    ip("link", "add", "v0", "netns", this.near, "type", "veth", "peer", "name", "v0", "netns", this.#far);
    [this.near, this.#far].forEach((space, index) => {
      ip("-n", space, "address", "add", `192.0.2.${index + 1}/24`, "dev", "v0");
      for (const link of ["lo", "v0"]) ip("-n", space, "link", "set", link, "up");
    });
  }

  async #startEnd(space: string, host: number, keys: readonly [WgKeys, WgKeys]): Promise<void> {
    if (this.carrier.kind === "veth") return;
    const [own, other] = [keys[host - 1]!, keys[2 - host]!];
    const endpoint = `192.0.2.${3 - host}:${PORT}`;
    if (this.carrier.kind === "ztna") await this.#startAgent(space, host, own, other.publicKey, endpoint);
    else await this.#startWireGuardGo(space, host, own, other.publicKey, endpoint);
  }

  async #startAgent(space: string, host: number, own: WgKeys, other: string, endpoint: string): Promise<void> {
    const config = {
      privateKey: own.privateKey,
      listenPort: PORT,
      mtuBytes: TUNNEL_MTU_BYTES,
      addresses: [`10.77.0.${host}/24`],
      routes: [],
      peers: [{ publicKey: other, allowedIps: [`10.77.0.${3 - host}/32`], endpoints: [endpoint] }],
    };
    const engine = this.carrier.kind === "ztna" ? this.carrier.engine : undefined;
    const command = [bin("deno"), "run", "-A", join(root, "tools/lab/wg-agent.ts"), this.#file(space, config)];
    const child = this.#start(space, command, engine === undefined ? {} : { ZTNA_ENGINE: engine });
    this.#ends.push(child);
    const lines: string[] = [];
    createInterface({ input: child.stdout! }).on("line", (line) => lines.push(line));
    await until(() => lines.some((line) => line.includes(`"ready"`)) || child.exitCode !== null);
    if (child.exitCode !== null) throw new Error(`The agent ended with ${child.exitCode}`);
  }

  async #startWireGuardGo(space: string, host: number, own: WgKeys, other: string, endpoint: string): Promise<void> {
    const name = `${space}wg`;
    this.#ends.push(this.#start(space, ["wireguard-go", "-f", name], { LOG_LEVEL: "error" }));
    const wg = (...args: string[]) => ip("netns", "exec", space, "wg", ...args);
    await until(() => succeeds(() => wg("show", name)));
    const key = this.#file(space, own.privateKey);
    wg("set", name, "listen-port", `${PORT}`, "private-key", key);
    wg("set", name, "peer", other, "allowed-ips", `10.77.0.${3 - host}/32`, "endpoint", endpoint);
    ip("-n", space, "address", "add", `10.77.0.${host}/24`, "dev", name);
    ip("-n", space, "link", "set", name, "mtu", `${TUNNEL_MTU_BYTES}`, "up");
  }

  #start(space: string, command: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
    const child = spawn("ip", ["netns", "exec", space, ...command], {
      stdio: ["pipe", "pipe", ["wireguard-go", "iperf3"].includes(command[0]!) ? "ignore" : "inherit"],
      env: toolEnvironment(env),
    });
    child.stdout.resume();
    this.#children.push(child);
    return child;
  }

  #pids(): number[] {
    return this.#ends.flatMap(({ pid }) => [pid!, ...descendants(pid!)]);
  }

  #answers(): boolean {
    return succeeds(() => ip("netns", "exec", this.near, "ping", "-c", "1", "-W", "1", this.target));
  }

  #file(space: string, content: unknown): string {
    const path = join(this.#folder, `${space}.conf`);
    writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content), { mode: 0o600 });
    return path;
  }
}

/** USER_HZ, the same on every Linux that matters here. */
const TICKS_PER_SECOND = 100;

function ip(...args: string[]): void {
  execFileSync("ip", args, { stdio: "pipe" });
}

function succeeds(work: () => void): boolean {
  try {
    work();
    return true;
  } catch {
    return false;
  }
}
