import { latenciesToKeep } from "#domain/machine/telemetry.ts";
import type { AgentCommand, CommandResult } from "#protocol/api/agent-commands.ts";
import type { MachineStatus, MachineTelemetry, OwnSettings } from "#protocol/api/machines.ts";
import {
  type AgentMessage,
  CLOSE_CLONED,
  CLOSE_REFUSED,
  CLOSE_REPLACED,
  type OrgMessage,
  readOrgMessage,
} from "#protocol/control/messages.ts";
import { errorCatalogue, type ErrorCode, isErrorCode } from "#protocol/errors.ts";
import type { WireGuardPublicKey } from "#protocol/keys.ts";
import type { AgentStatus } from "#protocol/local/daemon.ts";
import type { NetMap, NetMapDelta, RelayTicket } from "#protocol/netmap.ts";
import { PROTOCOL_VERSION } from "#protocol/version.ts";
import { type Applied, applyDelta, applyResumed } from "./apply-delta.ts";
import { Backoff } from "./backoff.ts";
import { CommandLedger } from "./command-ledger.ts";

export interface SessionOptions {
  readonly wireguardPublicKey: WireGuardPublicKey;
  readonly version: string;
  /** Made anew for each start of the agent. */
  readonly instance: string;
  /** The machine key's signature over the hello of this start. */
  readonly machineKeySignature?: string | undefined;
  /** The last good map, whole; deltas may build on it. */
  readonly map?: NetMap | undefined;
  /** What the person has set and the control plane may not know yet. */
  readonly settings?: OwnSettings | undefined;
  /** Numbers in [0, 1). */
  readonly random: () => number;
}

/** What others need to reach this machine, and what it knows of its network. */
export interface OwnAddresses {
  readonly endpoints: readonly string[];
  readonly relayRegion: string | null;
  readonly telemetry?: MachineTelemetry | undefined;
}

/** How a socket ended, or why it never opened. */
export interface SocketEnd {
  readonly code?: number | undefined;
  readonly reason?: string | undefined;
  /** The refusal in an HTTP answer to the upgrade. */
  readonly refusal?: { readonly code: ErrorCode; readonly message: string } | undefined;
  readonly retryAfterMs?: number | undefined;
}

/** The answer to a heartbeat over HTTP, the way round blocked WebSockets. */
export type HeartbeatResult =
  | {
    readonly ok: true;
    readonly map: NetMap;
    /** Milliseconds of the control plane's clock. */
    readonly wallMs?: number | undefined;
    readonly ticket: RelayTicket | null;
    readonly token: string;
    readonly expiresInS: number;
    /** Settings the control plane did not grant, when it was told any. */
    readonly refused: readonly string[] | undefined;
    readonly commands?: readonly AgentCommand[] | undefined;
  }
  | { readonly ok: false; readonly code: ErrorCode; readonly message: string; readonly retryAfterMs?: number };

export type SessionAction =
  | { readonly type: "socket.open" }
  | { readonly type: "socket.close" }
  | { readonly type: "send"; readonly message: AgentMessage }
  /** Shows the control plane that this machine is there, without a word that it has to think about. */
  | { readonly type: "keepalive" }
  | { readonly type: "heartbeat"; readonly status: "online" | "offline" }
  /** The map to use from now on, and what changed when it grew out of the one before. */
  | { readonly type: "map"; readonly map: NetMap; readonly change: Pick<NetMapDelta, "upsert" | "remove"> | undefined }
  /** Milliseconds of the control plane's clock at this moment; comes before the map it came with. */
  | { readonly type: "clock"; readonly wallMs: number }
  | { readonly type: "map.void" }
  /** Settings were taken; one sentence for each that was not granted. */
  | { readonly type: "settled"; readonly refused: readonly string[] }
  /** An admin wants this done, once; `handleCommandDone` says what became of it. */
  | { readonly type: "command"; readonly command: AgentCommand }
  /** Another agent runs with these keys: this one must get its own. */
  | { readonly type: "cloned" }
  | { readonly type: "ticket"; readonly ticket: RelayTicket }
  | { readonly type: "token"; readonly token: string; readonly expiresInS: number }
  | {
    readonly type: "status";
    readonly control: AgentStatus["control"];
    readonly problem: string | null;
    /** When the next attempt follows; undefined when there is none. */
    readonly retryInMs: number | undefined;
    /** Why the control plane refuses this machine. */
    readonly refusal?: ErrorCode;
  }
  /** The end that `handleBye` asked for. */
  | { readonly type: "finished"; readonly heard: boolean };

const BACKOFF = { firstMs: 1_000, mostMs: 60_000 };
const FIRST_MESSAGE_MS = 15_000;
/** A stream that lived this long was a good one: the next pause is short again. */
const GOOD_STREAM_MS = 30_000;
/** Sockets that fail this often in a row call for a heartbeat over HTTP. */
const FAILURES_BEFORE_HEARTBEAT = 2;
const SLOW_RETRY_MS = 60_000;
const BYE_MS = 3_000;
const TICKET_ANSWER_MS = 10_000;
const LOOK_AGAIN_MS = 30_000;
/** The socket asks for a sign of life when it hears nothing; who hears much gives one so often. */
const SIGN_OF_LIFE_MS = 60_000;

/** Refusals that no waiting will change, and what the person can do. */
const finalRefusals: Partial<Record<ErrorCode, string>> = {
  INVALID_NODE_KEY: "The control plane does not know this machine any more. Register it again: ztna up --auth-key",
  KEY_EXPIRED: "Machine key has expired. Re-authenticate: ztna up --auth-key",
};
const REPLACED = "Another agent is connected as this machine. If it is a copy, one of the two gets new keys.";
const CLONE_SEEN = "Another host has used a copy of this machine's keys. It was told to get its own.";
const BLOCKED = "WebSockets to the control plane fail; changes arrive with the heartbeat only.";
const selfProblems: Partial<Record<MachineStatus, string>> = {
  quarantined: "This machine is quarantined. Ask your org admin to release it.",
  pending: "This machine waits for approval. Ask your org admin to approve it in the dashboard.",
  offline: "This machine is disabled. Ask your org admin to enable it.",
};

type Phase = "idle" | "opening" | "greeting" | "live" | "waiting" | "refused" | "leaving" | "done";

/**
 * The agent's side of the control stream as a machine without IO: calls go in, actions come out, `nextTimeout` says when
 * `handleTimeout` is due. Times in milliseconds of a monotonic clock.
 */
export class ControlSession {
  readonly #options: SessionOptions;
  readonly #backoff: Backoff;
  #phase: Phase = "idle";
  #own: OwnAddresses = { endpoints: [], relayRegion: null };
  #map: NetMap | undefined;
  #mapWanted = false;
  #deadline: number | undefined;
  #openedAt = 0;
  #failures = 0;
  #heartbeatAt: number | undefined;
  #heartbeatRuns = false;
  #heartbeatWorks = false;
  #ticketWanted = false;
  #settings: OwnSettings | undefined;
  /** Messages with settings that were not answered yet. */
  #unsettled = 0;
  /** Settings that went out with the heartbeat under way. */
  #beatSettings: OwnSettings | undefined;
  #cloneSeen = false;
  #lookAgainAt = 0;
  #signedAt = 0;
  readonly #commands = new CommandLedger();

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#backoff = new Backoff(BACKOFF, options.random);
    this.#map = options.map;
    this.#settings = options.settings;
  }

  get map(): NetMap | undefined {
    return this.#map;
  }

  nextTimeout(): number | undefined {
    const heartbeat = this.#phase === "leaving" || this.#phase === "done" ? undefined : this.#heartbeatAt;
    if (this.#deadline === undefined || heartbeat === undefined) return this.#deadline ?? heartbeat;
    return Math.min(this.#deadline, heartbeat);
  }

  handleStart(own: OwnAddresses, _now: number, out: SessionAction[]): void {
    this.#own = own;
    this.#open(out);
  }

  handleOpen(now: number, out: SessionAction[]): void {
    if (this.#phase !== "opening") return;
    this.#phase = "greeting";
    this.#unsettled = this.#settings === undefined ? 0 : 1;
    this.#openedAt = this.#signedAt = now;
    this.#mapWanted = false;
    this.#deadline = now + FIRST_MESSAGE_MS;
    out.push({ type: "send", message: this.#hello() });
  }

  handleMessage(text: string, now: number, out: SessionAction[]): void {
    const message = readOrgMessage(text);
    if (message === undefined) return;
    if (this.#phase === "leaving") {
      if (message.type === "bye_heard") this.#finish(true, out);
      return;
    }
    if (this.#phase !== "greeting" && this.#phase !== "live") return;
    this.#giveSignOfLife(now, out);
    this.#apply(message, out);
    if (this.#phase === "greeting" && this.#map !== undefined && !this.#mapWanted) this.#becomeLive(now, out);
  }

  handleClosed(end: SocketEnd, now: number, out: SessionAction[]): void {
    if (this.#phase === "leaving") return this.#sayOffline(now, out);
    if (this.#phase === "idle" || this.#phase === "refused" || this.#phase === "done") return;
    if (end.code === CLOSE_CLONED) return this.#leaveToTwin(out);
    const refusal = refusalOf(end);
    if (refusal !== undefined && refusal.code in finalRefusals) return this.#refuse(refusal.code, out);
    if (this.#phase === "live" && now - this.#openedAt >= GOOD_STREAM_MS) this.#backoff.reset();
    if (refusal !== undefined && !errorCatalogue[refusal.code].retry) {
      return this.#retryLater(refusal, now, out);
    }
    if (end.code === CLOSE_REPLACED) return this.#returnAfterTwin(now, out);
    this.#failures++;
    this.#retry(end.retryAfterMs ?? 0, now, out);
    if (this.#failures >= FAILURES_BEFORE_HEARTBEAT && !this.#heartbeatWorks) this.#heartbeat(out);
  }

  handleHeartbeat(result: HeartbeatResult, now: number, out: SessionAction[]): void {
    this.#heartbeatRuns = false;
    if (this.#phase === "leaving") return this.#finish(result.ok, out);
    if (this.#phase === "live" || this.#phase === "refused" || this.#phase === "done") return;
    if (result.ok) this.#applyHeartbeat(result, now, out);
    else if (result.code in finalRefusals) this.#refuse(result.code, out);
    else {
      this.#heartbeatWorks = false;
      this.#heartbeatAt = result.retryAfterMs === undefined ? undefined : now + result.retryAfterMs;
      if (errorCatalogue[result.code].retry) this.#status("unreachable", null, now, out);
      else this.#status("refused", result.message, now, out, result.code);
    }
  }

  handleOwnAddresses(own: OwnAddresses, out: SessionAction[]): void {
    const steady = withSteadyLatencies(own, this.#own);
    if (JSON.stringify(steady) === JSON.stringify(this.#own)) return;
    this.#own = steady;
    if (this.#phase === "live" || this.#phase === "greeting") {
      out.push({ type: "send", message: { type: "update", ...wire(own) } });
    }
  }

  /** The person has set something: it is told until the control plane has answered. */
  handleSettings(settings: OwnSettings, out: SessionAction[]): void {
    this.#settings = { ...this.#settings, ...settings };
    if (this.#phase === "live" || this.#phase === "greeting") {
      this.#unsettled++;
      out.push({ type: "send", message: { type: "update", settings } });
    } else if (this.#heartbeatWorks) this.#heartbeat(out);
  }

  handleCommandDone(result: CommandResult, out: SessionAction[]): void {
    this.#commands.settle(result);
    if (this.#phase === "live" || this.#phase === "greeting") {
      out.push({ type: "send", message: { type: "command_done", result } });
    }
  }

  /** What a heartbeat acknowledges. */
  get commandResults(): readonly CommandResult[] {
    return this.#commands.results;
  }

  /** What was set and is not known to have arrived. */
  get settings(): OwnSettings | undefined {
    return this.#settings;
  }

  /** The relay needs a fresh ticket. */
  handleTicketWanted(now: number, out: SessionAction[]): void {
    const asks = !this.#ticketWanted && this.#phase === "live";
    this.#ticketWanted = true;
    if (!asks) return;
    out.push({ type: "send", message: { type: "ticket_wanted" } });
    this.#expectTicket(now);
  }

  /** Somebody wants to know who is there. The control plane finds out no sooner by being asked more often. */
  handleLookWanted(now: number, out: SessionAction[]): void {
    if (this.#phase !== "live" || now < this.#lookAgainAt) return;
    this.#lookAgainAt = now + LOOK_AGAIN_MS;
    out.push({ type: "send", message: { type: "look_wanted" } });
  }

  /** The machine slept or its network changed: what is open may be dead without knowing it. */
  handleWake(out: SessionAction[]): void {
    if (this.#phase === "refused" || this.#phase === "leaving" || this.#phase === "done") return;
    this.#backoff.reset();
    if (this.#phase === "opening") return;
    out.push({ type: "socket.close" });
    this.#open(out);
  }

  /** Go offline on purpose. Ends with `finished`, after a few seconds at the latest. */
  handleBye(now: number, out: SessionAction[]): void {
    if (this.#phase === "leaving" || this.#phase === "done") return;
    const phase = this.#phase;
    this.#phase = "leaving";
    this.#deadline = now + BYE_MS;
    if (phase === "refused" || phase === "idle") return this.#finish(phase === "idle", out);
    if (phase === "live" || phase === "greeting") out.push({ type: "send", message: { type: "bye" } });
    else this.#sayOffline(now, out);
  }

  handleTimeout(now: number, out: SessionAction[]): void {
    if (this.#deadline !== undefined && now >= this.#deadline) this.#handleDeadline(now, out);
    if (this.#heartbeatAt !== undefined && now >= this.#heartbeatAt) {
      this.#heartbeatAt = undefined;
      if (this.#phase === "opening" || this.#phase === "greeting" || this.#phase === "waiting") this.#heartbeat(out);
    }
  }

  #handleDeadline(now: number, out: SessionAction[]): void {
    this.#deadline = undefined;
    if (this.#phase === "waiting" || this.#phase === "refused") this.#open(out);
    else if (this.#phase === "leaving") this.#finish(false, out);
    else if (this.#phase === "greeting") {
      out.push({ type: "socket.close" });
      this.handleClosed({ reason: "no map came" }, now, out);
    } else if (this.#phase === "live" && this.#ticketWanted) {
      this.#ticketWanted = false;
      this.handleTicketWanted(now, out);
    }
  }

  #open(out: SessionAction[]): void {
    this.#phase = "opening";
    this.#deadline = undefined;
    out.push({ type: "socket.open" });
    if (this.#failures === 0) {
      out.push({ type: "status", control: "connecting", problem: null, retryInMs: undefined });
    }
  }

  #hello(): AgentMessage {
    const { wireguardPublicKey, version, instance, machineKeySignature } = this.#options;
    return {
      type: "hello",
      protocol: PROTOCOL_VERSION,
      version,
      instance,
      ...(machineKeySignature === undefined ? {} : { machine_key_signature: machineKeySignature }),
      wireguard_public_key: wireguardPublicKey,
      ...wire(this.#own),
      ...(this.#map !== undefined ? { seq: this.#map.seq, view: this.#map.self.view } : {}),
      ...(this.#settings === undefined ? {} : { settings: this.#settings }),
    };
  }

  #apply(message: OrgMessage, out: SessionAction[]): void {
    switch (message.type) {
      case "map":
        this.#mapWanted = false;
        if (message.now !== undefined) out.push({ type: "clock", wallMs: message.now });
        return this.#setMap(message.map, undefined, out);
      case "resumed":
        if (message.now !== undefined) out.push({ type: "clock", wallMs: message.now });
        return this.#change(message, (map) => applyResumed(map, message), out);
      case "delta":
        return this.#change(message.delta, (map) => applyDelta(map, message.delta), out);
      case "ticket":
        this.#ticketWanted = false;
        if (this.#phase === "live") this.#deadline = undefined;
        out.push({ type: "ticket", ticket: message.ticket });
        return;
      case "token":
        out.push({ type: "token", token: message.token, expiresInS: message.expires_in });
        return;
      case "settled":
        if (--this.#unsettled <= 0) this.#settings = undefined;
        out.push({ type: "settled", refused: message.refused });
        return;
      case "commands":
        return this.#takeCommands(message.commands, out);
      case "clone_seen":
        this.#cloneSeen = true;
        if (this.#phase === "live") this.#sayConnected(out);
    }
  }

  #giveSignOfLife(now: number, out: SessionAction[]): void {
    if (now - this.#signedAt < SIGN_OF_LIFE_MS) return;
    this.#signedAt = now;
    out.push({ type: "keepalive" });
  }

  #takeCommands(commands: readonly AgentCommand[], out: SessionAction[]): void {
    const { fresh, known } = this.#commands.take(commands);
    for (const command of fresh) out.push({ type: "command", command });
    for (const result of known) this.handleCommandDone(result, out);
  }

  #change(
    change: Pick<NetMapDelta, "upsert" | "remove">,
    apply: (map: NetMap) => Applied,
    out: SessionAction[],
  ): void {
    if (this.#mapWanted) return;
    const applied = this.#map === undefined ? "gap" : apply(this.#map);
    if (applied === "old") return;
    if (applied === "gap") {
      this.#mapWanted = true;
      out.push({ type: "send", message: { type: "map_wanted" } });
    } else this.#setMap(applied.map, change, out);
  }

  #setMap(map: NetMap, change: Pick<NetMapDelta, "upsert" | "remove"> | undefined, out: SessionAction[]): void {
    const before = this.#map?.self.status;
    this.#map = map;
    out.push({ type: "map", map, change: change && { upsert: change.upsert, remove: change.remove } });
    if (this.#phase === "live" && before !== map.self.status) this.#sayConnected(out);
  }

  #becomeLive(now: number, out: SessionAction[]): void {
    this.#phase = "live";
    this.#deadline = undefined;
    this.#failures = 0;
    this.#heartbeatAt = undefined;
    this.#heartbeatWorks = false;
    this.#sayConnected(out);
    // A ticket follows the first map by itself, unless the machine is not admitted.
    if (this.#ticketWanted) this.#expectTicket(now);
  }

  #expectTicket(now: number): void {
    this.#deadline = now + (this.#map?.self.status === "online" ? TICKET_ANSWER_MS : SLOW_RETRY_MS);
  }

  #sayConnected(out: SessionAction[]): void {
    const problem = selfProblems[this.#map!.self.status] ?? (this.#cloneSeen ? CLONE_SEEN : null);
    out.push({ type: "status", control: "connected", problem, retryInMs: undefined });
  }

  #refuse(code: ErrorCode, out: SessionAction[]): void {
    this.#giveUp(out);
    const problem = finalRefusals[code] ?? null;
    out.push({ type: "status", control: "refused", problem, retryInMs: undefined, refusal: code });
  }

  #leaveToTwin(out: SessionAction[]): void {
    this.#giveUp(out);
    out.push({ type: "cloned" });
  }

  #giveUp(out: SessionAction[]): void {
    this.#phase = "refused";
    this.#deadline = undefined;
    this.#heartbeatAt = undefined;
    this.#map = undefined;
    out.push({ type: "map.void" });
  }

  /** Coming back shows the control plane that there are two; it then parts them. Ever slower, should it not. */
  #returnAfterTwin(now: number, out: SessionAction[]): void {
    this.#phase = "waiting";
    this.#deadline = now + this.#backoff.next();
    this.#status("refused", REPLACED, now, out);
  }

  #retry(atLeastMs: number, now: number, out: SessionAction[]): void {
    this.#phase = "waiting";
    this.#deadline = now + this.#backoff.next(atLeastMs);
    if (!this.#heartbeatWorks) this.#status("unreachable", null, now, out);
  }

  #retryLater({ code, message }: Refusal, now: number, out: SessionAction[]): void {
    this.#phase = "waiting";
    this.#deadline = now + SLOW_RETRY_MS / 2 + this.#backoff.next(SLOW_RETRY_MS / 2);
    this.#status("refused", message, now, out, code);
  }

  #status(
    control: AgentStatus["control"],
    problem: string | null,
    now: number,
    out: SessionAction[],
    refusal?: ErrorCode,
  ): void {
    const retryInMs = this.#deadline === undefined ? undefined : Math.max(0, this.#deadline - now);
    out.push({ type: "status", control, problem, retryInMs, ...(refusal && { refusal }) });
  }

  #heartbeat(out: SessionAction[]): void {
    if (this.#heartbeatRuns) return;
    this.#heartbeatRuns = true;
    this.#beatSettings = this.#settings;
    out.push({ type: "heartbeat", status: "online" });
  }

  #applyHeartbeat(result: HeartbeatResult & { ok: true }, now: number, out: SessionAction[]): void {
    this.#heartbeatWorks = true;
    this.#heartbeatAt = now + result.map.timings.heartbeat_s * 1000;
    if (result.wallMs !== undefined) out.push({ type: "clock", wallMs: result.wallMs });
    this.#setMap(result.map, undefined, out);
    out.push({ type: "token", token: result.token, expiresInS: result.expiresInS });
    if (result.refused !== undefined) {
      if (this.#settings === this.#beatSettings) this.#settings = undefined;
      out.push({ type: "settled", refused: result.refused });
    }
    this.#takeCommands(result.commands ?? [], out);
    if (result.ticket !== null) out.push({ type: "ticket", ticket: result.ticket });
    const problem = selfProblems[result.map.self.status] ?? BLOCKED;
    out.push({ type: "status", control: "connected", problem, retryInMs: undefined });
  }

  #sayOffline(now: number, out: SessionAction[]): void {
    this.#deadline = now + BYE_MS;
    out.push({ type: "heartbeat", status: "offline" });
  }

  #finish(heard: boolean, out: SessionAction[]): void {
    this.#phase = "done";
    this.#deadline = undefined;
    out.push({ type: "socket.close" }, { type: "finished", heard });
  }
}

interface Refusal {
  readonly code: ErrorCode;
  readonly message: string;
}

function refusalOf({ code, reason, refusal }: SocketEnd): Refusal | undefined {
  if (refusal !== undefined) return refusal;
  if (code !== CLOSE_REFUSED || reason === undefined || !isErrorCode(reason)) return undefined;
  return { code: reason, message: errorCatalogue[reason].message };
}

function wire({ endpoints, relayRegion, telemetry }: OwnAddresses) {
  return { endpoints: [...endpoints], relay_region: relayRegion, ...telemetry };
}

/** A latency that wobbles is no news. */
function withSteadyLatencies(own: OwnAddresses, before: OwnAddresses): OwnAddresses {
  const [reported, told] = [own.telemetry?.derp_latencies, before.telemetry?.derp_latencies];
  if (reported === undefined || told === undefined) return own;
  return { ...own, telemetry: { ...own.telemetry, derp_latencies: latenciesToKeep(told, reported) } };
}
