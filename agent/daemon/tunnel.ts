import { randomBytes } from "node:crypto";
import type { NetMap } from "#protocol/netmap.ts";
import { selectX25519 } from "../crypto/select-x25519.ts";
import type { DataCommand, DataEvent, Fault, Prefix } from "../dataplane/link.ts";
import type { DirectTimings } from "../dataplane/path/direct-search.ts";
import { WireGuardDevice } from "../dataplane/wireguard/device.ts";
import { localEndpoints } from "../os/local-endpoints.ts";
import type { Gateway } from "../os/gateway.ts";
import { LinuxGateway } from "../os/gateway-linux.ts";
import type { Network, NetworkConfig } from "../os/network.ts";
import { LinuxNetwork } from "../os/network-linux.ts";
import { parsePrefix } from "./address-text.ts";
import type { AgentConfig } from "./config.ts";
import { DataLink, type DataLinkOptions } from "./data-link.ts";
import { bytesOfKey } from "./key-text.ts";
import { linuxLink } from "./link-linux.ts";
import type { Log } from "./log.ts";
import { AgentLoop, type LoopOptions, type TunnelCounters } from "./loop.ts";
import { measureNetwork } from "./net-measure.ts";
import { NetworkClock } from "./network-clock.ts";

export type TunnelOptions = Pick<
  LoopOptions,
  | "state"
  | "registration"
  | "savedMap"
  | "settings"
  | "onMap"
  | "onVoid"
  | "onStatus"
  | "onToken"
  | "onSettled"
  | "onCommand"
  | "onCloned"
>;

/** WireGuard with every optional feature fits into this on any path; the map may say otherwise later. */
const MTU_BYTES = 1280;
const INTERFACE = "ztna0";
/** Until the control plane has said its own. */
const DIRECT_TIMINGS: DirectTimings = { directAttemptMs: 3_000, directRetryMs: 60_000 };

/** After a fault the data thread is started anew: at once, then with these pauses; more faults a minute are too many. */
const RESTART_PAUSES_MS = [0, 100, 250, 500, 1_000, 2_000, 5_000, 10_000, 10_000, 10_000];
const MOST_RESTARTS_PER_MINUTE = 10;

/** The kernel device, the data thread and the host's addresses and routes of one agent. */
export class Tunnel {
  readonly #config: AgentConfig;
  readonly #log: Log;
  /** For what cannot be mended. */
  readonly #onFault: (message: string) => void;
  #link: DataLink;
  #network: Network;
  readonly #gateway: Gateway | undefined;
  #carried = "";
  #loop: AgentLoop | undefined;
  #applied = "";
  #wanted: NetworkConfig | undefined;
  /** The device reads them each time. */
  readonly #directTimings = { ...DIRECT_TIMINGS };
  #pool: NetworkConfig["routes"][number] | undefined;
  #offloads: boolean;
  /** What failed and is not mended yet. */
  #fault: Fault | undefined;
  #restartedAt: number[] = [];
  #restarting: Promise<void> | undefined;
  #closed = false;

  private constructor(config: AgentConfig, link: DataLink, log: Log, onFault: (message: string) => void) {
    this.#config = config;
    this.#link = link;
    this.#network = new LinuxNetwork(link.interfaceName);
    this.#gateway = openGateway(config.file.gateway, link.interfaceName);
    this.#log = log;
    this.#onFault = onFault;
    this.#offloads = config.offloads;
  }

  /** Takes the device first of all: without the right to one, nothing of a key or a quota must be spent. */
  static async open(config: AgentConfig, log: Log, onFault: (message: string) => void): Promise<Tunnel> {
    const early: (DataEvent | Fault)[] = [];
    const sink = { handle: (event: DataEvent | Fault): void => void early.push(event) };
    const { listenPort, offloads, threads } = config;
    const link = await openLink({ listenPort, offloads, threads, onEvent: (event) => sink.handle(event) });
    const tunnel = await Tunnel.#around(config, link, log, onFault);
    sink.handle = (event) => tunnel.#handleData(event);
    for (const event of early) tunnel.#handleData(event);
    tunnel.#logOpened("tunnel.opened");
    return tunnel;
  }

  /** A gateway that is refused must not leave the device behind. */
  static async #around(
    config: AgentConfig,
    link: DataLink,
    log: Log,
    onFault: (message: string) => void,
  ): Promise<Tunnel> {
    try {
      return new Tunnel(config, link, log, onFault);
    } catch (error) {
      await link.close();
      throw error;
    }
  }

  /** The loop of this tunnel; call `start` on it. */
  createLoop(options: TunnelOptions): AgentLoop {
    const clock = new NetworkClock();
    const device = new WireGuardDevice({
      privateKey: bytesOfKey(options.state.wireguard_private_key),
      randomBytes: (size) => new Uint8Array(randomBytes(size)),
      x25519: selectX25519(() => performance.now()),
      wallClock: () => clock.now(),
      cells: this.#link.counters.cells,
      drops: this.#link.counters.drops,
      timings: this.#directTimings,
    });
    const endpoints = () =>
      localEndpoints({ port: this.#link.localPort, interfaceName: this.#link.interfaceName, pool: this.#pool });
    const loop = new AgentLoop({
      ...options,
      link: this,
      clock,
      device,
      log: this.#log,
      localEndpoints: endpoints,
      listenPort: () => this.#link.localPort,
      measureNetwork: (regions) =>
        measureNetwork({
          apiUrl: options.registration.api_url,
          regions,
          stunServers: this.#config.stunServers,
          endpoints: endpoints(),
        }),
      onMap: (map) => {
        this.#applyMap(map);
        options.onMap(map);
      },
    });
    this.#loop = loop;
    return loop;
  }

  get interfaceName(): string {
    return this.#link.interfaceName;
  }

  /** Commands that come while there is no data thread are lost; the next one is told everything. */
  send(command: DataCommand): void {
    this.#link.send(command);
  }

  counters(): TunnelCounters {
    return { engine: this.#link.engine, drops: this.#link.drops(), io: this.#link.io() };
  }

  setShields(up: boolean): void {
    this.#link.setShields(up);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#restarting;
    this.#network.close();
    this.#closeGateway();
    await this.#link.close();
  }

  #handleData(event: DataEvent | Fault): void {
    if (event.type !== "fault") return this.#loop?.handleData(event);
    this.#fault = event;
    this.#restarting ??= this.#mend();
  }

  /** What has just been mended may fail again before anybody looks. */
  async #mend(): Promise<void> {
    for (let fault = this.#fault; fault !== undefined && !this.#closed; fault = this.#fault) await this.#restart(fault);
    this.#restarting = undefined;
  }

  async #restart({ where, errno, message }: Fault): Promise<void> {
    this.#log("error", "data.failed", { where, errno, message });
    this.#fault = undefined;
    const now = performance.now();
    this.#restartedAt = [...this.#restartedAt.filter((at) => now - at < 60_000), now];
    if (this.#restartedAt.length > MOST_RESTARTS_PER_MINUTE) return this.#onFault(message);
    for (const pause of RESTART_PAUSES_MS) {
      await new Promise((resolve) => setTimeout(resolve, pause));
      if (this.#closed) return;
      try {
        await this.#reopen();
        return this.#logOpened("data.restarted", { ms: Math.round(performance.now() - now) });
      } catch (error) {
        this.#log("warn", "data.not_restarted", { message: messageOf(error) });
      }
    }
    this.#onFault(message);
  }

  /** Gives a new interface what the old one had, and a new data thread its peers. */
  async #reopen(): Promise<void> {
    const before = this.#link;
    await before.close();
    this.#fault = undefined;
    this.#link = await openLink({
      listenPort: before.localPort,
      offloads: this.#offloads,
      threads: this.#config.threads,
      counters: before.counters,
      onEvent: (event) => this.#handleData(event),
    });
    this.#network.close();
    this.#applied = "";
    this.#network = new LinuxNetwork(this.#link.interfaceName);
    if (this.#wanted !== undefined) this.#setNetwork(this.#wanted);
    this.#loop?.handleRestart();
  }

  #logOpened(what: string, more: Record<string, unknown> = {}): void {
    const { interfaceName, localPort, engine, threads } = this.#link;
    this.#log("info", what, { interface: interfaceName, port: localPort, engine, threads, ...more });
  }

  #applyMap(map: NetMap): void {
    const offloads = this.#config.offloads && map.self.disable_offloads !== true;
    if (offloads !== this.#offloads) {
      this.#offloads = offloads;
      this.send({ type: "offloads.set", enabled: offloads });
      this.#log("info", "tunnel.offloads", { enabled: offloads });
    }
    this.#directTimings.directAttemptMs = map.timings.direct_attempt_s * 1000;
    this.#directTimings.directRetryMs = map.timings.direct_retry_s * 1000;
    this.#applyNetwork(map);
    this.#applyGateway(map);
  }

  /** A route that cannot be carried must not end the agent: its own traffic goes on. */
  #applyGateway({ self: { address_pool: pool, approved_routes: routes } }: NetMap): void {
    const wanted = JSON.stringify([pool, routes]);
    if (this.#gateway === undefined || wanted === this.#carried) return;
    try {
      const [from] = ipv4Prefixes([pool]);
      if (from !== undefined) this.#gateway.apply({ pool: from, routes: ipv4Prefixes(routes) });
      this.#carried = wanted;
      this.#log("info", "gateway.applied", { routes: routes.join(",") });
    } catch (error) {
      this.#log("error", "gateway.failed", { message: messageOf(error) });
    }
  }

  #closeGateway(): void {
    try {
      this.#gateway?.close();
    } catch (error) {
      this.#log("warn", "gateway.not_closed", { message: messageOf(error) });
    }
  }

  #applyNetwork({ self, peers }: NetMap): void {
    this.#pool = parsePrefix(self.address_pool);
    const routed = peers.flatMap(({ allowed_ips, tailnet_ip }) =>
      allowed_ips.filter((ip) => ip !== `${tailnet_ip}/32`)
    );
    const prefixes = (texts: readonly string[]) => texts.map(parsePrefix).filter((prefix) => prefix !== undefined);
    const wanted: NetworkConfig = {
      mtuBytes: Math.min(MTU_BYTES, self.mtu_bytes),
      addresses: prefixes([`${self.tailnet_ip}/32`]),
      routes: prefixes([self.address_pool, ...new Set(routed)]),
    };
    const text = JSON.stringify([self.tailnet_ip, self.address_pool, wanted.mtuBytes, ...routed.sort()]);
    if (text === this.#applied) return;
    this.#wanted = wanted;
    try {
      this.#setNetwork(wanted);
      this.#applied = text;
    } catch (error) {
      this.#onFault(messageOf(error));
    }
  }

  #setNetwork(wanted: NetworkConfig): void {
    this.#network.apply(wanted);
    this.send({ type: "mtu.set", mtuBytes: wanted.mtuBytes });
  }
}

function openLink(options: Omit<DataLinkOptions, "tun">): Promise<DataLink> {
  return DataLink.open({ ...options, tun: { kind: "kernel", name: INTERFACE, mtuBytes: MTU_BYTES } }, linuxLink);
}

function ipv4Prefixes(texts: readonly string[]): Prefix[] {
  return texts.flatMap((text) => parsePrefix(text) ?? []).filter(({ address }) => address.length === 4);
}

/** One that is switched off may have left its rules behind in a crash. */
function openGateway(wanted: boolean | undefined, interfaceName: string): Gateway | undefined {
  if (wanted === undefined) return undefined;
  try {
    const gateway = new LinuxGateway(interfaceName);
    return wanted ? gateway : undefined;
  } catch (error) {
    if (wanted) throw error;
    return undefined;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
