import type { MachineSettings } from "#protocol/api/machines.ts";
import type { NetMap } from "#protocol/netmap.ts";
import { PRODUCT_VERSION } from "#protocol/version.ts";
import { decideRegistration } from "../control/registration-decision.ts";
import { AdminOrders } from "./admin-orders.ts";
import { Announcer } from "./announcer.ts";
import { type AgentConfig, requireApiUrl } from "./config.ts";
import type { Credential } from "./enrol.ts";
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
import { registerHere, type Registering, sayPending } from "./registering.ts";
import { overruleUnsent, sendUnsentSettings } from "./settings.ts";
import { type AgentState, readState, type Registration, writeState } from "./state-file.ts";
import { Tunnel } from "./tunnel.ts";

export interface UpOptions {
  readonly authKey: string | undefined;
  readonly hostname: string | undefined;
  /** Slug or id of the org a person's machine joins. */
  readonly org: string | undefined;
  readonly forceReauth: boolean;
  /** What the person set this machine to; absent means unchanged. */
  readonly settings: MachineSettings;
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
const TWIN = "Another host runs with a copy of this machine's keys. This one has new keys now";

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
  const run = new Run(config, apiUrl, options, report, stop, log.write);
  try {
    log.write("info", "agent.started", { version: PRODUCT_VERSION, pid: Deno.pid });
    report.line("Starting QuickZTNA...");
    return await run.run();
  } catch (error) {
    if (!stop.aborted) log.write("error", "agent.failed", { message: messageOf(error) });
    throw error;
  } finally {
    log.write("info", "agent.stopped");
    log.close();
    run.orders.finish((text) => report.warn(text));
    pidFile.release();
  }
}

class Run {
  readonly orders: AdminOrders;
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
  #pending = false;
  #cloned = false;
  /** This run has replaced the node key of a machine that was registered before. */
  #renewed = false;
  /** The registration as it stands in the file. */
  #kept: string | undefined;

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
    this.orders = new AdminOrders(config.paths, () => this.#stop.abort());
    if (stop.aborted) this.#stop.abort(stop.reason);
    else stop.addEventListener("abort", () => this.#stop.abort(stop.reason), { once: true });
  }

  async run(): Promise<UpEnd> {
    const { paths } = this.#config;
    const end = await this.#runAs(readState(paths.state) ?? createIdentity());
    if (!this.#cloned || this.#stop.signal.aborted) return end;
    return await this.#runAs(this.#partFromTwin());
  }

  async #runAs(state: AgentState): Promise<UpEnd> {
    const decision = this.#decide(state);
    if (decision.do === "refuse") throw new Error(decision.why);
    // Proves that the answer of a registration can be kept, before a use of the key is spent on it.
    writeState(this.#config.paths.state, state);
    const tunnel = await Tunnel.open(this.#config, this.#log, (message) => this.#fail(message));
    try {
      const registration = await registerHere(this.#registering, state, decision.do);
      if (registration === undefined) return { offlineReported: true };
      if (registration.pending === true) return this.#endPending();
      const known = state.registration;
      this.#renewed = known !== null && known.node_key !== registration.node_key;
      this.#isNewMachine = known?.machine_id !== registration.machine_id || known.pending === true;
      return await this.#serve({ ...state, registration }, registration, tunnel);
    } finally {
      await tunnel.close();
    }
  }

  get #registering(): Registering {
    return {
      config: this.#config,
      apiUrl: this.#apiUrl,
      options: this.#options,
      credential: () => this.#credential,
      report: this.#report,
      log: this.#log,
      stop: this.#stop.signal,
      parted: this.#cloned,
    };
  }

  /** New keys in place of those that another host has as well. */
  #partFromTwin(): AgentState {
    const { paths } = this.#config;
    const state = createIdentity();
    writeState(paths.state, state);
    removeFile(paths.netMap);
    this.#log("warn", "machine.parted");
    if (this.#options.authKey === undefined && this.#person === undefined) {
      throw new Error(`${TWIN}. Register it as one of its own: ztna up --auth-key`);
    }
    this.#report.warn(`${TWIN}, registering it as one of its own...`);
    return state;
  }

  #decide(state: AgentState) {
    return decideRegistration({
      registered: state.registration?.api_url === this.#apiUrl && state.registration.pending !== true,
      authKey: this.#options.authKey !== undefined,
      loggedIn: this.#person !== undefined,
      forced: this.#options.forceReauth,
    });
  }

  /** A key wins; without one `#decide` has made sure of the person. */
  get #credential(): Credential {
    const { authKey, org: wanted } = this.#options;
    if (authKey !== undefined) return { authKey };
    return { person: this.#person!, org: { wanted, lastId: this.#config.file.org_id } };
  }

  async #serve(state: AgentState, registration: Registration, tunnel: Tunnel): Promise<UpEnd> {
    const { paths } = this.#config;
    const savedMap = readNetMap(paths.netMap, registration.machine_id);
    const announcer = new Announcer(this.#report, this.#apiUrl, hexOfKey(state.wireguard_public_key));
    const { hostname: name, settings } = this.#options;
    const sendSettings = once(() => this.#sendSettings());
    const end = Promise.withResolvers<UpEnd | undefined>();
    const part = () => {
      this.#cloned = true;
      end.resolve(undefined);
    };
    const loop: AgentLoop = tunnel.createLoop({
      state,
      registration,
      savedMap,
      settings: Object.keys(settings).length === 0 && name === undefined ? undefined : { ...settings, name },
      onMap: (map) => {
        if (map !== savedMap) this.#keepMap(state, map);
      },
      onVoid: () => removeFile(paths.netMap),
      onToken: (token, expiresInS) => {
        this.#keepToken(registration, token, expiresInS);
        void sendSettings();
      },
      onStatus: (status) => {
        if (this.#isReclaimed(status, announcer)) part();
        else this.#handleStatus(status, state, loop, announcer);
      },
      onSettled: (refused) => refused.forEach((sentence) => this.#report.warn(`Warning: ${sentence}`)),
      onCommand: ({ command }) => this.orders.obey(command),
      onCloned: () => part(),
    });
    const saved = savedMap && setTimeout(() => announcer.handleSilence(savedMap), SAVED_MAP_AFTER_MS);
    const goodbye = once(async () => {
      const heard = { offlineReported: await loop.stop() };
      end.resolve(heard);
      return heard;
    });
    const api = serveLocalApi(paths.socket, {
      status: () => loop.status(),
      peers: () => {
        loop.askWhoIsThere();
        return loop.peers();
      },
      metrics: () => loop.metrics(),
      checkNetwork: () => loop.checkNetwork(),
      ping: ({ target, timeout_ms }) => loop.ping(target, timeout_ms),
      down: async () => ({ pid: Deno.pid, offline_reported: (await goodbye()).offlineReported }),
    }, this.#log);
    try {
      loop.start();
      this.#stop.signal.addEventListener("abort", () => void goodbye(), { once: true });
      if (this.#stop.signal.aborted) void goodbye();
      const ended = await end.promise ?? await goodbye();
      if (this.#fault !== undefined) throw new Error(this.#fault);
      return this.#pending ? this.#endPending() : ended;
    } finally {
      clearTimeout(saved);
      await api.close();
    }
  }

  /** A node key that is void before its first use was given back to the original of these keys. */
  #isReclaimed({ refusal }: ControlStatus, announcer: Announcer): boolean {
    return refusal === "INVALID_NODE_KEY" && this.#renewed && !announcer.connected && !this.#cloned;
  }

  #handleStatus(status: ControlStatus, state: AgentState, loop: AgentLoop, announcer: Announcer): void {
    if (status.refusal === "PENDING_APPROVAL" && !announcer.connected) {
      this.#pending = true;
      return this.#stop.abort();
    }
    if (status.control === "refused" && status.retryInMs === undefined) return this.#endRefused(status, state);
    announcer.handleStatus(status, loop.map);
  }

  #endPending(): UpEnd {
    sayPending(this.#report);
    return { offlineReported: true, pending: true };
  }

  /** The reason stays for `ztna status`. */
  #endRefused({ problem }: ControlStatus, state: AgentState): void {
    const why = problem ?? "The control plane refuses this machine. See 'ztna log'.";
    if (state.registration !== null) this.#keepRegistration(state, { ...state.registration, problem: why });
    this.#fail(why);
  }

  #keepMap(state: AgentState, map: NetMap): void {
    if (this.orders.isWiped) return;
    const registration = state.registration!;
    try {
      writeNetMap(this.#config.paths.netMap, registration.machine_id, map);
    } catch (error) {
      this.#log("warn", "map.not_saved", { message: messageOf(error) });
    }
    const { name, tailnet_ip } = map.self;
    this.#keepRegistration(state, { ...registration, name, tailnet_ip, problem: undefined });
  }

  #keepRegistration(state: AgentState, registration: Registration): void {
    if (this.orders.isWiped) return;
    const text = JSON.stringify(registration);
    if (text === (this.#kept ?? JSON.stringify(state.registration))) return;
    this.#kept = text;
    try {
      writeState(this.#config.paths.state, { ...state, registration });
    } catch (error) {
      this.#log("warn", "state.not_saved", { message: messageOf(error) });
    }
  }

  /** Commands of this machine speak to the API with it. */
  #keepToken({ machine_id }: Registration, token: string, expiresInS: number): void {
    if (this.orders.isWiped) return;
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
      overruleUnsent(config, this.#options.settings);
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

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => made ??= make();
}
