import { ZtnaError } from "#protocol/errors.ts";
import type { NetMap } from "#protocol/netmap.ts";
import { PRODUCT_VERSION } from "#protocol/version.ts";
import { decideRegistration } from "../control/registration-decision.ts";
import { type AgentConfig, requireApiUrl, updateConfigFile } from "./config.ts";
import { type Credential, enrolPatiently } from "./enrol.ts";
import { createIdentity } from "./identity.ts";
import { hexOfKey } from "./key-text.ts";
import { serveLocalApi } from "./local-api.ts";
import { type Log, LogFile } from "./log.ts";
import type { AgentLoop, ControlStatus } from "./loop.ts";
import { writeMachineToken } from "./machine-token-file.ts";
import { readNetMap, writeNetMap } from "./net-map-file.ts";
import { PersonSession } from "./person-session.ts";
import { PidFile, runningPid } from "./pid-file.ts";
import { preparePrivateDirectory, removeFile } from "./private-file.ts";
import { sendUnsentSettings } from "./settings.ts";
import { type AgentState, readState, type Registration, writeState } from "./state-file.ts";
import { Tunnel } from "./tunnel.ts";

export interface UpOptions {
  readonly authKey: string | undefined;
  readonly hostname: string | undefined;
  /** Slug or id of the org a person's machine joins. */
  readonly org: string | undefined;
  readonly tags: readonly string[];
  readonly forceReauth: boolean;
}

/** Where the person sees what happens. */
export interface UpReport {
  line(text: string): void;
  warn(text: string): void;
  /** The tunnel is up. */
  ready(facts: { nodeKey: string }): void;
}

/** How a run ended by itself: the exit is clean, but the goodbye may not have been heard. */
export interface UpEnd {
  readonly offlineReported: boolean;
  /** It never came up: an admin has to approve the machine first. */
  readonly pending?: true;
}

/** A saved map is used when the control plane has not answered for so long. */
const SAVED_MAP_AFTER_MS = 3_000;
const CLAIM_ATTEMPTS = 5;
const PENDING = [
  "Machine registered but requires admin approval.",
  "Ask your org admin to approve this machine in the dashboard:",
  "  Machines page → Pending Approval tab → Approve",
  "Run 'ztna up' again after approval.",
];

/** Brings the tunnel up and keeps it up until `stop` is aborted, or until somebody asks over the local API. */
export async function runUp(
  config: AgentConfig,
  options: UpOptions,
  report: UpReport,
  stop: AbortSignal,
): Promise<UpEnd> {
  const apiUrl = requireApiUrl(config);
  preparePrivateDirectory(config.paths.directory);
  const pidFile = await claimPidFile(config.paths.pid);
  const log = new LogFile({ path: config.paths.log, level: config.logLevel });
  try {
    log.write("info", "agent.started", { version: PRODUCT_VERSION, pid: Deno.pid });
    report.line("Starting QuickZTNA...");
    return await new Run(config, apiUrl, options, report, stop, log.write).run();
  } catch (error) {
    if (!stop.aborted) log.write("error", "agent.failed", { message: messageOf(error) });
    throw error;
  } finally {
    log.write("info", "agent.stopped");
    log.close();
    pidFile.release();
  }
}

class Run {
  readonly #config: AgentConfig;
  readonly #apiUrl: string;
  readonly #options: UpOptions;
  readonly #report: UpReport;
  readonly #log: Log;
  readonly #stop: AbortController;
  /** Who has logged in here, at this control plane. */
  readonly #person: PersonSession | undefined;
  #isNewMachine = false;
  #fault: string | undefined;

  constructor(
    config: AgentConfig,
    apiUrl: string,
    options: UpOptions,
    report: UpReport,
    stop: AbortSignal,
    log: Log,
  ) {
    this.#config = config;
    this.#apiUrl = apiUrl;
    this.#options = options;
    this.#report = report;
    this.#log = log;
    this.#person = PersonSession.read(config.paths.tokens, apiUrl);
    this.#stop = new AbortController();
    if (stop.aborted) this.#stop.abort(stop.reason);
    else stop.addEventListener("abort", () => this.#stop.abort(stop.reason), { once: true });
  }

  async run(): Promise<UpEnd> {
    const { paths } = this.#config;
    const state = readState(paths.state) ?? createIdentity();
    const decision = this.#decide(state);
    if (decision.do === "refuse") throw new Error(decision.why);
    // Proves that the answer of a registration can be kept, before a use of the key is spent on it.
    writeState(paths.state, state);
    const tunnel = await Tunnel.open(this.#config, this.#log, (message) => this.#fail(message));
    try {
      const registration = await this.#register(state, decision.do);
      if (registration === undefined) return { offlineReported: true };
      if (registration.pending === true) return { offlineReported: true, pending: true };
      return await this.#serve({ ...state, registration }, registration, tunnel);
    } finally {
      await tunnel.close();
    }
  }

  #decide(state: AgentState) {
    return decideRegistration({
      registered: state.registration?.api_url === this.#apiUrl && state.registration.pending !== true,
      authKey: this.#options.authKey !== undefined,
      loggedIn: this.#person !== undefined,
      forced: this.#options.forceReauth,
    });
  }

  /** Undefined when the person gave up waiting. */
  async #register(state: AgentState, how: "register" | "renew" | "reuse" | "setup"): Promise<Registration | undefined> {
    const known = state.registration;
    if (how === "reuse") return this.#sayRegistered(known!, true);
    try {
      const registration = await this.#enrol(state, how === "renew");
      if (registration === undefined) return this.#sayRegistered(known!, true);
      writeState(this.#config.paths.state, { ...state, registration });
      if (known?.machine_id !== registration.machine_id) removeFile(this.#config.paths.netMap);
      updateConfigFile(this.#config, { api_url: this.#apiUrl, org_id: registration.org_id });
      this.#isNewMachine = known?.machine_id !== registration.machine_id || known.pending === true;
      this.#log("info", "machine.registered", { name: registration.name });
      if (registration.pending === true) return this.#sayPending(registration);
      return this.#sayRegistered(registration, known?.machine_id === registration.machine_id);
    } catch (error) {
      if (this.#stop.signal.aborted) return undefined;
      const what = how === "setup" ? "registration" : "auth key registration";
      throw error instanceof ZtnaError
        ? new Error(`${what} failed: ${error.code}: ${error.message}`, { cause: error })
        : error;
    }
  }

  /** Undefined when a machine that is registered already can go on as it was. */
  async #enrol(state: AgentState, mayGoOn: boolean): Promise<Registration | undefined> {
    const attempt = new AbortController();
    const signal = AbortSignal.any([attempt.signal, this.#stop.signal]);
    const { hostname, tags } = this.#options;
    const name = hostname ?? this.#config.hostname;
    let gaveUp = false;
    try {
      return await enrolPatiently(
        { apiUrl: this.#apiUrl, state, credential: this.#credential, name, tags, signal },
        (error, ms) => {
          gaveUp = mayGoOn;
          if (mayGoOn) attempt.abort();
          else this.#report.warn(`${pauseReason(error, this.#apiUrl)}, retrying in ${seconds(ms)} s...`);
        },
      );
    } catch (error) {
      if (gaveUp && !this.#stop.signal.aborted) return undefined;
      if (!mayGoOn || !(error instanceof ZtnaError) || this.#stop.signal.aborted) throw error;
      // An expired key in a service's environment must not cost a registered machine its network.
      this.#report.warn(
        `Warning: auth key registration failed: ${error.code}: ${error.message}. Going on as the machine registered before.`,
      );
      return undefined;
    }
  }

  /** A key wins; without one `#decide` has made sure of the person. */
  get #credential(): Credential {
    const { authKey, org: wanted } = this.#options;
    if (authKey !== undefined) return { authKey };
    return { person: this.#person!, org: { wanted, lastId: this.#config.file.org_id } };
  }

  #sayPending(registration: Registration): Registration {
    for (const text of PENDING) this.#report.line(text);
    return registration;
  }

  #sayRegistered(registration: Registration, before: boolean): Registration {
    const { name, tailnet_ip } = registration;
    this.#report.line(
      before ? `Already registered: ${name} (IP: ${tailnet_ip})` : `Registered: ${name} (${tailnet_ip})`,
    );
    return registration;
  }

  async #serve(state: AgentState, registration: Registration, tunnel: Tunnel): Promise<UpEnd> {
    const { paths } = this.#config;
    const savedMap = readNetMap(paths.netMap, registration.machine_id);
    const sendSettings = once(() => this.#sendSettings());
    let connected = false;
    const sayConnected = (map: NetMap) => {
      if (connected) return;
      connected = true;
      this.#report.line(`Connected as ${map.self.name} (${map.self.tailnet_ip}) [tun]`);
      this.#report.line("VPN started!");
      this.#report.ready({ nodeKey: hexOfKey(state.wireguard_public_key) });
    };
    const loop: AgentLoop = tunnel.createLoop({
      state,
      registration,
      savedMap,
      onMap: (map) => {
        if (map !== savedMap) this.#keepMap(registration, map);
      },
      onVoid: () => removeFile(paths.netMap),
      onToken: (token, expiresInS) => {
        this.#keepToken(registration, token, expiresInS);
        void sendSettings();
      },
      onStatus: (status) => this.#handleStatus(status, loop, connected, sayConnected),
    });
    const saved = savedMap && setTimeout(() => {
      if (!connected) this.#report.warn(`Cannot reach ${this.#apiUrl}, using the last known network map.`);
      sayConnected(savedMap);
    }, SAVED_MAP_AFTER_MS);
    let finish: ((end: UpEnd) => void) | undefined;
    const ended = new Promise<UpEnd>((resolve) => finish = resolve);
    const goodbye = once(async () => {
      const end = { offlineReported: await loop.stop() };
      finish!(end);
      return end;
    });
    const api = serveLocalApi(paths.socket, {
      status: () => loop.status(),
      peers: () => loop.peers(),
      metrics: () => loop.metrics(),
      ping: ({ target, timeout_ms }) => loop.ping(target, timeout_ms),
      down: async () => ({ pid: Deno.pid, offline_reported: (await goodbye()).offlineReported }),
    }, this.#log);
    try {
      loop.start();
      this.#stop.signal.addEventListener("abort", () => void goodbye(), { once: true });
      if (this.#stop.signal.aborted) void goodbye();
      const end = await ended;
      if (this.#fault !== undefined) throw new Error(this.#fault);
      return end;
    } finally {
      clearTimeout(saved);
      await api.close();
    }
  }

  #handleStatus(status: ControlStatus, loop: AgentLoop, connected: boolean, sayConnected: (map: NetMap) => void): void {
    const { map } = loop;
    if (status.control === "connected" && map !== undefined) {
      if (!connected && status.problem !== null) this.#report.warn(status.problem);
      return sayConnected(map);
    }
    if (status.control === "refused" && map === undefined && !connected) return this.#fail(status.problem ?? "refused");
    if (status.problem !== null) return this.#report.warn(status.problem);
    if (status.control === "unreachable" && !connected && status.retryInMs !== undefined) {
      this.#report.warn(`Cannot reach ${this.#apiUrl}, retrying in ${seconds(status.retryInMs)} s...`);
    }
  }

  #keepMap(registration: Registration, map: NetMap): void {
    try {
      writeNetMap(this.#config.paths.netMap, registration.machine_id, map);
    } catch (error) {
      this.#log("warn", "map.not_saved", { message: messageOf(error) });
    }
  }

  /** Commands of this machine speak to the API with it. */
  #keepToken({ machine_id }: Registration, token: string, expiresInS: number): void {
    try {
      writeMachineToken(this.#config.paths.machineToken, {
        machine_id,
        token,
        expires_at: Date.now() + expiresInS * 1000,
      });
    } catch (error) {
      this.#log("warn", "token.not_saved", { message: messageOf(error) });
    }
  }

  /** What was set while the control plane was away, or before it knew this machine. */
  async #sendSettings(): Promise<void> {
    try {
      const config = { ...this.#config, apiUrl: this.#apiUrl };
      for (const warning of await sendUnsentSettings(config, this.#isNewMachine)) {
        this.#log("warn", "settings.not_taken", { message: warning });
        this.#report.warn(`Warning: ${warning}`);
      }
    } catch (error) {
      this.#log("warn", "settings.not_sent", { message: messageOf(error) });
    }
  }

  #fail(message: string): void {
    this.#fault ??= message;
    this.#stop.abort(new Error(message));
  }
}

async function claimPidFile(path: string): Promise<PidFile> {
  for (let attempt = 1;; attempt++) {
    const file = PidFile.claim(path);
    if (file !== undefined) return file;
    const pid = runningPid(path);
    if (pid !== undefined || attempt === CLAIM_ATTEMPTS) {
      throw new Error(
        `VPN is already running (PID ${pid ?? "unknown"}). Run 'ztna status' to check, 'ztna down' to stop it.`,
      );
    }
    // Somebody only looked whether an agent runs.
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function pauseReason(error: ZtnaError, apiUrl: string): string {
  return error.code === "UNAVAILABLE" ? `Cannot reach ${apiUrl}` : `${error.code}: ${error.message.replace(/\.$/, "")}`;
}

function seconds(ms: number): number {
  return Math.max(1, Math.round(ms / 1000));
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => made ??= make();
}
