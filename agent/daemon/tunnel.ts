import { randomBytes } from "node:crypto";
import type { NetMap } from "#protocol/netmap.ts";
import { selectX25519 } from "../crypto/select-x25519.ts";
import type { DataEvent } from "../dataplane/link.ts";
import { WireGuardDevice } from "../dataplane/wireguard/device.ts";
import { localEndpoints } from "../os/local-endpoints.ts";
import type { Network, NetworkConfig } from "../os/network.ts";
import { LinuxNetwork } from "../os/network-linux.ts";
import { parsePrefix } from "./address-text.ts";
import type { AgentConfig } from "./config.ts";
import { DataLink } from "./data-link.ts";
import { bytesOfKey } from "./key-text.ts";
import type { Log } from "./log.ts";
import { AgentLoop, type LoopOptions } from "./loop.ts";

export type TunnelOptions = Pick<
  LoopOptions,
  "state" | "registration" | "savedMap" | "onMap" | "onVoid" | "onStatus"
>;

/** WireGuard with every optional feature fits into this on any path; the map may say otherwise later. */
const MTU_BYTES = 1280;
const INTERFACE = "ztna0";
const TIMINGS = { directAttemptMs: 3_000, directRetryMs: 60_000 };

/** The kernel device, the data thread and the host's addresses and routes of one agent. */
export class Tunnel {
  readonly #link: DataLink;
  readonly #network: Network;
  readonly #log: Log;
  readonly #onFault: (message: string) => void;
  #loop: AgentLoop | undefined;
  #applied = "";
  #pool: NetworkConfig["routes"][number] | undefined;

  private constructor(link: DataLink, log: Log, onFault: (message: string) => void) {
    this.#link = link;
    this.#network = new LinuxNetwork(link.interfaceName);
    this.#log = log;
    this.#onFault = onFault;
  }

  /** Takes the device first of all: without the right to one, nothing of a key or a quota must be spent. */
  static async open(config: AgentConfig, log: Log, onFault: (message: string) => void): Promise<Tunnel> {
    const early: DataEvent[] = [];
    const sink = { handle: (event: DataEvent): void => void early.push(event) };
    const link = await DataLink.open({
      tun: { kind: "kernel", name: INTERFACE, mtuBytes: MTU_BYTES },
      listenPort: config.listenPort,
      onEvent: (event) => sink.handle(event),
    });
    const tunnel = new Tunnel(link, log, onFault);
    sink.handle = (event) => tunnel.#handleData(event);
    for (const event of early) tunnel.#handleData(event);
    log("info", "tunnel.opened", { interface: link.interfaceName, port: link.localPort, engine: link.engine });
    return tunnel;
  }

  /** The loop of this tunnel; call `start` on it. */
  createLoop(options: TunnelOptions): AgentLoop {
    const timings = options.savedMap?.timings;
    const device = new WireGuardDevice({
      privateKey: bytesOfKey(options.state.wireguard_private_key),
      randomBytes: (size) => new Uint8Array(randomBytes(size)),
      x25519: selectX25519(() => performance.now()),
      wallClock: () => Date.now(),
      cells: this.#link.cells,
      drops: this.#link.dropCounters,
      timings: timings === undefined
        ? TIMINGS
        : { directAttemptMs: timings.direct_attempt_s * 1000, directRetryMs: timings.direct_retry_s * 1000 },
    });
    const loop = new AgentLoop({
      ...options,
      link: this.#link,
      device,
      log: this.#log,
      localEndpoints: () =>
        localEndpoints({ port: this.#link.localPort, interfaceName: this.#link.interfaceName, pool: this.#pool }),
      onMap: (map) => {
        this.#applyNetwork(map);
        options.onMap(map);
      },
      onFault: this.#onFault,
    });
    this.#loop = loop;
    return loop;
  }

  async close(): Promise<void> {
    this.#network.close();
    await this.#link.close();
  }

  #handleData(event: DataEvent): void {
    if (this.#loop !== undefined) this.#loop.handleData(event);
    else if (event.type === "fault") this.#onFault(event.message);
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
    try {
      this.#network.apply(wanted);
      this.#applied = text;
    } catch (error) {
      this.#onFault(error instanceof Error ? error.message : String(error));
    }
  }
}
