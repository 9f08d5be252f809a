import type { MachineStatus } from "#protocol/api/machines.ts";
import {
  type AgentMessage,
  CLOSE_REFUSED,
  CLOSE_REPLACED,
  type OrgMessage,
  readOrgMessage,
} from "#protocol/control/messages.ts";
import { errorCatalogue, type ErrorCode, isErrorCode } from "#protocol/errors.ts";
import type { WireGuardPublicKey } from "#protocol/keys.ts";
import type { AgentStatus } from "#protocol/local/daemon.ts";
import type { NetMap, NetMapDelta, Peer, RelayTicket } from "#protocol/netmap.ts";
import { PROTOCOL_VERSION } from "#protocol/version.ts";
import { applyDelta } from "./apply-delta.ts";
import { Backoff } from "./backoff.ts";

export interface SessionOptions {
  readonly wireguardPublicKey: WireGuardPublicKey;
  readonly version: string;
  /** The last good map, whole; deltas may build on it. */
  readonly map?: NetMap | undefined;
  /** Numbers in [0, 1). */
  readonly random: () => number;
}

/** What others need to reach this machine. */
export interface OwnAddresses {
  readonly endpoints: readonly string[];
  readonly relayRegion: string | null;
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
    readonly seq: number;
    readonly status: MachineStatus;
    readonly peers: readonly Peer[];
    readonly ticket: RelayTicket | null;
    /** What a map needs besides peers; used when there is no map yet. */
    readonly base: Omit<NetMap, "seq" | "peers"> | undefined;
  }
  | { readonly ok: false; readonly code: ErrorCode; readonly message: string; readonly retryAfterMs?: number };

export type SessionAction =
  | { readonly type: "socket.open" }
  | { readonly type: "socket.close" }
  | { readonly type: "send"; readonly message: AgentMessage }
  | { readonly type: "heartbeat"; readonly status: "online" | "offline" }
  /** The map to use from now on, and what changed when it grew out of the one before. */
  | { readonly type: "map"; readonly map: NetMap; readonly change: Pick<NetMapDelta, "upsert" | "remove"> | undefined }
  | { readonly type: "map.void" }
  | { readonly type: "ticket"; readonly ticket: RelayTicket }
  | { readonly type: "token"; readonly token: string; readonly expiresInS: number }
  | {
    readonly type: "status";
    readonly control: AgentStatus["control"];
    readonly problem: string | null;
    /** When the next attempt follows, for `unreachable`. */
    readonly retryInMs: number | undefined;
  }
  /** The end that `handleBye` asked for. */
  | { readonly type: "finished"; readonly heard: boolean };

const BACKOFF = { firstMs: 1_000, mostMs: 60_000 };
const FIRST_MESSAGE_MS = 15_000;
/** A stream that lived this long was a good one: the next pause is short again. */
const GOOD_STREAM_MS = 30_000;
/** Sockets that fail this often in a row call for a heartbeat over HTTP. */
const FAILURES_BEFORE_HEARTBEAT = 2;
const DEFAULT_HEARTBEAT_MS = 60_000;
const SLOW_RETRY_MS = 60_000;
const BYE_MS = 3_000;
const TICKET_ANSWER_MS = 10_000;

const GONE =
  "The control plane does not know this machine any more. Run 'ztna logout', then 'ztna up' with an auth key.";
const REPLACED = "Another agent is connected as this machine. Run 'ztna logout' on the copy.";
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
  /** False for a map that was patched from a heartbeat: deltas must not build on it. */
  #mapIsWhole = false;
  #mapWanted = false;
  #deadline: number | undefined;
  #openedAt = 0;
  #failures = 0;
  #heartbeatAt: number | undefined;
  #heartbeatRuns = false;
  #heartbeatWorks = false;
  #ticketWanted = false;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#backoff = new Backoff(BACKOFF, options.random);
    this.#map = options.map;
    this.#mapIsWhole = options.map !== undefined;
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
    this.#openedAt = now;
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
    this.#apply(message, out);
    if (this.#phase === "greeting" && this.#map !== undefined && !this.#mapWanted) this.#becomeLive(now, out);
  }

  handleClosed(end: SocketEnd, now: number, out: SessionAction[]): void {
    if (this.#phase === "leaving") return this.#sayOffline(now, out);
    if (this.#phase === "idle" || this.#phase === "refused" || this.#phase === "done") return;
    const refusal = refusalOf(end);
    if (refusal?.code === "INVALID_NODE_KEY") return this.#refuse(out);
    if (this.#phase === "live" && now - this.#openedAt >= GOOD_STREAM_MS) this.#backoff.reset();
    if (refusal !== undefined && !errorCatalogue[refusal.code].retry) {
      return this.#retryLater(SLOW_RETRY_MS, "refused", refusal.message, now, out);
    }
    if (end.code === CLOSE_REPLACED) return this.#retryLater(SLOW_RETRY_MS, "refused", REPLACED, now, out);
    this.#failures++;
    this.#retry(end.retryAfterMs ?? 0, now, out);
    if (this.#failures >= FAILURES_BEFORE_HEARTBEAT && !this.#heartbeatWorks) this.#heartbeat(out);
  }

  handleHeartbeat(result: HeartbeatResult, now: number, out: SessionAction[]): void {
    this.#heartbeatRuns = false;
    if (this.#phase === "leaving") return this.#finish(result.ok, out);
    if (this.#phase === "live" || this.#phase === "refused" || this.#phase === "done") return;
    if (result.ok) this.#applyHeartbeat(result, now, out);
    else if (result.code === "INVALID_NODE_KEY") this.#refuse(out);
    else {
      this.#heartbeatWorks = false;
      this.#heartbeatAt = result.retryAfterMs === undefined ? undefined : now + result.retryAfterMs;
      const unreachable = errorCatalogue[result.code].retry;
      this.#status(unreachable ? "unreachable" : "refused", unreachable ? null : result.message, now, out);
    }
  }

  handleOwnAddresses(own: OwnAddresses, out: SessionAction[]): void {
    if (JSON.stringify(own) === JSON.stringify(this.#own)) return;
    this.#own = own;
    if (this.#phase === "live" || this.#phase === "greeting") {
      out.push({ type: "send", message: { type: "update", ...wire(own) } });
    }
  }

  /** The relay needs a fresh ticket. */
  handleTicketWanted(now: number, out: SessionAction[]): void {
    const asks = !this.#ticketWanted && this.#phase === "live";
    this.#ticketWanted = true;
    if (!asks) return;
    out.push({ type: "send", message: { type: "ticket_wanted" } });
    this.#expectTicket(now);
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
    const { wireguardPublicKey, version } = this.#options;
    return {
      type: "hello",
      protocol: PROTOCOL_VERSION,
      version,
      wireguard_public_key: wireguardPublicKey,
      ...wire(this.#own),
      ...(this.#map !== undefined && this.#mapIsWhole ? { seq: this.#map.seq } : {}),
    };
  }

  #apply(message: OrgMessage, out: SessionAction[]): void {
    switch (message.type) {
      case "map":
        this.#mapWanted = false;
        this.#mapIsWhole = true;
        return this.#setMap(message.map, undefined, out);
      case "delta":
        return this.#applyDelta(message.delta, out);
      case "ticket":
        this.#ticketWanted = false;
        if (this.#phase === "live") this.#deadline = undefined;
        out.push({ type: "ticket", ticket: message.ticket });
        return;
      case "token":
        out.push({ type: "token", token: message.token, expiresInS: message.expires_in });
    }
  }

  #applyDelta(delta: NetMapDelta, out: SessionAction[]): void {
    if (this.#mapWanted) return;
    const applied = this.#map === undefined || !this.#mapIsWhole ? "gap" : applyDelta(this.#map, delta);
    if (applied === "old") return;
    if (applied === "gap") {
      this.#mapWanted = true;
      out.push({ type: "send", message: { type: "map_wanted" } });
    } else this.#setMap(applied.map, delta, out);
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
    const problem = selfProblems[this.#map!.self.status] ?? null;
    out.push({ type: "status", control: "connected", problem, retryInMs: undefined });
  }

  #refuse(out: SessionAction[]): void {
    this.#phase = "refused";
    this.#deadline = undefined;
    this.#heartbeatAt = undefined;
    this.#map = undefined;
    out.push({ type: "map.void" }, { type: "status", control: "refused", problem: GONE, retryInMs: undefined });
  }

  #retry(atLeastMs: number, now: number, out: SessionAction[]): void {
    this.#phase = "waiting";
    this.#deadline = now + this.#backoff.next(atLeastMs);
    if (!this.#heartbeatWorks) this.#status("unreachable", null, now, out);
  }

  #retryLater(
    afterMs: number,
    control: AgentStatus["control"],
    problem: string,
    now: number,
    out: SessionAction[],
  ): void {
    this.#phase = "waiting";
    this.#deadline = now + afterMs / 2 + this.#backoff.next(afterMs / 2);
    this.#status(control, problem, now, out);
  }

  #status(control: AgentStatus["control"], problem: string | null, now: number, out: SessionAction[]): void {
    const retryInMs = this.#deadline === undefined ? undefined : Math.max(0, this.#deadline - now);
    out.push({ type: "status", control, problem, retryInMs });
  }

  #heartbeat(out: SessionAction[]): void {
    if (this.#heartbeatRuns) return;
    this.#heartbeatRuns = true;
    out.push({ type: "heartbeat", status: "online" });
  }

  #applyHeartbeat(result: HeartbeatResult & { ok: true }, now: number, out: SessionAction[]): void {
    this.#heartbeatWorks = true;
    this.#heartbeatAt = now + (this.#map ? this.#map.timings.heartbeat_s * 1000 : DEFAULT_HEARTBEAT_MS);
    const base = this.#map ?? result.base;
    if (base !== undefined) {
      this.#mapIsWhole = false;
      const self = { ...base.self, status: result.status };
      this.#setMap({ ...base, self, seq: result.seq, peers: [...result.peers] }, undefined, out);
    }
    if (result.ticket !== null) out.push({ type: "ticket", ticket: result.ticket });
    const problem = selfProblems[result.status] ?? BLOCKED;
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

function refusalOf({ code, reason, refusal }: SocketEnd): { code: ErrorCode; message: string } | undefined {
  if (refusal !== undefined) return refusal;
  if (code !== CLOSE_REFUSED || reason === undefined || !isErrorCode(reason)) return undefined;
  return { code: reason, message: errorCatalogue[reason].message };
}

function wire({ endpoints, relayRegion }: OwnAddresses) {
  return { endpoints: [...endpoints], relay_region: relayRegion };
}
