import type { NetMap } from "#protocol/netmap.ts";
import type { ControlStatus } from "./loop.ts";
import type { UpReport } from "./up.ts";

/** Tells the person at the terminal what becomes of the connection, each thing once. */
export class Announcer {
  readonly #report: UpReport;
  readonly #apiUrl: string;
  readonly #nodeKey: string;
  #connected = false;
  #problem: string | null = null;

  /** `nodeKey` in hex. */
  constructor(report: UpReport, apiUrl: string, nodeKey: string) {
    this.#report = report;
    this.#apiUrl = apiUrl;
    this.#nodeKey = nodeKey;
  }

  get connected(): boolean {
    return this.#connected;
  }

  handleStatus(status: ControlStatus, map: NetMap | undefined): void {
    const { control, problem, retryInMs } = status;
    if (control === "connected" && map !== undefined) return this.#handleConnected(map, problem);
    if (problem !== null) return this.#say(problem);
    if (control === "unreachable" && !this.#connected && retryInMs !== undefined) {
      this.#report.warn(`Cannot reach ${this.#apiUrl}, retrying in ${seconds(retryInMs)} s...`);
    }
  }

  /** The saved map has to do while the control plane does not answer. */
  handleSilence(map: NetMap): void {
    if (this.#connected) return;
    this.#report.warn(`Cannot reach ${this.#apiUrl}, using the last known network map.`);
    this.#sayReady(map);
  }

  #handleConnected(map: NetMap, problem: string | null): void {
    const mended = this.#problem !== null && problem === null;
    if (problem !== null) this.#say(problem);
    this.#problem = problem;
    if (!this.#connected) this.#sayReady(map);
    else if (mended) this.#sayConnected(map);
  }

  #sayReady(map: NetMap): void {
    this.#connected = true;
    this.#sayConnected(map);
    this.#report.line("VPN started!");
    this.#report.ready({ nodeKey: this.#nodeKey });
  }

  #sayConnected({ self }: NetMap): void {
    this.#report.line(`Connected as ${self.name} (${self.tailnet_ip}) [tun]`);
  }

  #say(problem: string): void {
    if (problem !== this.#problem) this.#report.warn(problem);
    this.#problem = problem;
  }
}

export function seconds(ms: number): number {
  return Math.max(1, Math.round(ms / 1000));
}
