import type { MachineTelemetry } from "#protocol/api/machines.ts";
import type { NetCheck } from "#protocol/local/net-check.ts";
import type { RelayRegion } from "#protocol/netmap.ts";

export interface NetWatchOptions {
  readonly measure: (regions: readonly RelayRegion[]) => Promise<NetCheck>;
  /** Where WireGuard listens. */
  readonly listenPort: () => number;
  /** There is something new to tell. */
  readonly onTelemetry: () => void;
}

export type NetTelemetry = Pick<MachineTelemetry, "public_endpoint" | "connectivity" | "derp_latencies">;

/** A network that changes all the time is not measured all the time. */
const LEAST_PAUSE_MS = 60_000;

/** Measures the network at the start, when it has changed and when somebody asks; an idle machine measures nothing. */
export class NetWatch {
  readonly #options: NetWatchOptions;
  #measuredFor: string | undefined;
  #measuredAt = -Infinity;
  #running: Promise<NetCheck> | undefined;
  #telemetry: NetTelemetry = {};

  constructor(options: NetWatchOptions) {
    this.#options = options;
  }

  get telemetry(): NetTelemetry {
    return this.#telemetry;
  }

  /** Relays and own addresses at this moment, which may be those of before. */
  handleNetwork(regions: readonly RelayRegion[], endpoints: readonly string[], now: number): void {
    if (regions.length === 0 || now - this.#measuredAt < LEAST_PAUSE_MS) return;
    const network = JSON.stringify([regions.map(({ region_code, hostname }) => [region_code, hostname]), endpoints]);
    if (network === this.#measuredFor) return;
    this.#measuredFor = network;
    this.#measuredAt = now;
    void this.check(regions).catch(() => undefined);
  }

  /** The machine slept: the same addresses may be those of another network. */
  handleWake(): void {
    this.#measuredFor = undefined;
  }

  /** The control plane answers: a relay that did not may do so too. */
  handleConnected(): void {
    if (this.#telemetry.derp_latencies === undefined) this.#measuredFor = undefined;
  }

  check(regions: readonly RelayRegion[]): Promise<NetCheck> {
    return this.#running ??= this.#measure(regions).finally(() => this.#running = undefined);
  }

  async #measure(regions: readonly RelayRegion[]): Promise<NetCheck> {
    const { measure, listenPort, onTelemetry } = this.#options;
    const check = await measure(regions);
    this.#telemetry = { ...this.#telemetry, ...netTelemetry(check, listenPort()) };
    onTelemetry();
    return check;
  }
}

/** What of it the control plane is told; what was not found out stays as it was. */
export function netTelemetry(check: NetCheck, listenPort: number): NetTelemetry {
  const { ipv6, udp, mapping_varies, nearest_derp, public_ip, port_kept } = check;
  const latencies = check.derp_regions.flatMap(({ region_code, latency_ms }) =>
    latency_ms === null ? [] : [[region_code, latency_ms] as const]
  );
  return {
    connectivity: {
      ipv6,
      udp,
      ...(mapping_varies === null ? {} : { mapping_varies }),
      ...(nearest_derp === null ? {} : { preferred_derp: nearest_derp }),
    },
    ...(latencies.length === 0 ? {} : { derp_latencies: Object.fromEntries(latencies) }),
    // The socket that was seen is not that of WireGuard: of its port only this case says something.
    ...(public_ip !== null && port_kept === true ? { public_endpoint: `${public_ip}:${listenPort}` } : {}),
  };
}
