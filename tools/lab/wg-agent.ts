/**
 * A WireGuard end without a control plane: the agent's data link and WireGuard device under a fixed configuration, for
 * tests against other implementations. `deno run -A wg-agent.ts config.json`; tells what happens as JSON lines on stdout,
 * answers a line `state` on stdin with one, takes `{"peers":[…]}` there in place of the peers it has, ends on SIGTERM or when the data thread fails (exit 4).
 */
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import process from "node:process";
import { createInterface } from "node:readline";
import { selectX25519 } from "../../agent/crypto/select-x25519.ts";
import { parseEndpoint, parsePrefix } from "../../agent/daemon/address-text.ts";
import { DataLink } from "../../agent/daemon/data-link.ts";
import { linuxLink } from "../../agent/daemon/link-linux.ts";
import type { DataEvent, Fault } from "../../agent/dataplane/link.ts";
import { WireGuardDevice } from "../../agent/dataplane/wireguard/device.ts";
import { createControlOutbox, type PeerConfig } from "../../agent/dataplane/wireguard/outbox.ts";
import { LinuxNetwork } from "../../agent/os/network-linux.ts";

interface AgentConfig {
  readonly privateKey: string;
  readonly listenPort: number;
  readonly mtuBytes: number;
  readonly addresses: readonly string[];
  /** Seconds until a session is renewed; 120 as WireGuard has it when left out. */
  readonly rekeyAfterS?: number;
  /** Data threads. */
  readonly threads?: 1 | 2;
  readonly routes: readonly string[];
  readonly peers: readonly {
    readonly publicKey: string;
    readonly presharedKey?: string;
    readonly allowedIps: readonly string[];
    readonly endpoints: readonly string[];
    readonly persistentKeepaliveS?: number;
  }[];
}

const config: AgentConfig = JSON.parse(readFileSync(Deno.args[0]!, "utf8"));
const early: (DataEvent | Fault)[] = [];
let onEvent: (event: DataEvent | Fault) => void = (event) => early.push(event);
const link = await DataLink.open({
  tun: { kind: "kernel", name: "ztna0", mtuBytes: config.mtuBytes },
  listenPort: config.listenPort,
  ...(config.rekeyAfterS === undefined ? {} : { rekeyAfterMs: config.rekeyAfterS * 1000 }),
  threads: config.threads,
  onEvent: (event) => onEvent(event),
}, linuxLink);
const network = new LinuxNetwork(link.interfaceName);
const prefix = (text: string) => parsePrefix(text)!;
network.apply({
  mtuBytes: config.mtuBytes,
  addresses: config.addresses.map(prefix),
  routes: config.routes.map(prefix),
});

const device = new WireGuardDevice({
  privateKey: keyBytes(config.privateKey),
  randomBytes: (length: number) => Uint8Array.from(randomBytes(length)),
  x25519: selectX25519(() => performance.now()),
  cells: link.counters.cells,
  drops: link.counters.drops,
  timings: { directAttemptMs: 1000, directRetryMs: 5000 },
  wallClock: Date.now,
});
const out = createControlOutbox();
let timer: ReturnType<typeof setTimeout> | undefined;
let timerAt: number | undefined;

device.setPeers(config.peers.map(peerConfig), performance.now(), out);
drain();
onEvent = handleEvent;
early.forEach(handleEvent);
createInterface({ input: process.stdin }).on("line", handleLine);
Deno.addSignalListener("SIGTERM", () => void end(0));
// Last: whoever hears it may ask for anything, the end as well.
say({ type: "ready", interface: link.interfaceName, port: link.localPort, engine: link.engine });

function handleLine(line: string): void {
  if (line === "state") return sayState();
  const { peers }: Pick<AgentConfig, "peers"> = JSON.parse(line);
  device.setPeers(peers.map(peerConfig), performance.now(), out);
  drain();
}

function handleEvent(event: DataEvent | Fault): void {
  if (event.type === "fault") {
    say({ ...event });
    return void end(4);
  }
  device.handleEvent(event, performance.now(), out);
  drain();
}

function drain(): void {
  for (const command of out.commands.splice(0)) link.send(command);
  for (const { type, peer } of out.events.splice(0)) say({ type, peer });
  out.relay.length = 0;
  const next = device.nextTimeout();
  if (next === timerAt) return;
  timerAt = next;
  clearTimeout(timer);
  if (next !== undefined) timer = setTimeout(handleTimeout, Math.max(0, next - performance.now()));
}

function handleTimeout(): void {
  timerAt = undefined;
  device.handleTimeout(performance.now(), out);
  drain();
}

function sayState(): void {
  const peers = [...device.peers()].map(({ txBytes, rxBytes, lastHandshakeAt, handshakes, path }) => ({
    handshakes,
    txBytes,
    rxBytes,
    lastHandshakeAt,
    via: path.via,
  }));
  say({ type: "state", peers, drops: link.drops(), io: link.io() });
}

async function end(code: number): Promise<void> {
  clearTimeout(timer);
  await link.close();
  Deno.exit(code);
}

function peerConfig(peer: AgentConfig["peers"][number]): PeerConfig {
  return {
    publicKey: keyBytes(peer.publicKey),
    ...(peer.presharedKey === undefined ? {} : { presharedKey: keyBytes(peer.presharedKey) }),
    allowedIps: peer.allowedIps.map(prefix),
    endpoints: peer.endpoints.map((text) => parseEndpoint(text)!),
    relay: false,
    ...(peer.persistentKeepaliveS === undefined ? {} : { persistentKeepaliveS: peer.persistentKeepaliveS }),
  };
}

function keyBytes(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
}

function say(line: Record<string, unknown>): void {
  console.log(JSON.stringify(line));
}
