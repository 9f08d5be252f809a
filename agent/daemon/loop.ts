import type { AgentCommand, CommandResult } from "#protocol/api/agent-commands.ts";
import type { OwnSettings } from "#protocol/api/machines.ts";
import { CONTROL_PATH, KEEPALIVE_PING } from "#protocol/control/messages.ts";
import type { WireGuardPublicKey } from "#protocol/keys.ts";
import type { AgentMetrics, AgentPeer, AgentStatus } from "#protocol/local/daemon.ts";
import type { NetCheck } from "#protocol/local/net-check.ts";
import type { NetMap, NetMapDelta, RelayRegion } from "#protocol/netmap.ts";
import { PRODUCT_VERSION } from "#protocol/version.ts";
import { ZtnaError } from "#protocol/errors.ts";
import { Backoff } from "../control/backoff.ts";
import { ControlSession, type OwnAddresses, type SessionAction } from "../control/session.ts";
import type { DataCommand, DataEvent, DropReason, IoCell } from "../dataplane/link.ts";
import { createControlOutbox } from "../dataplane/wireguard/outbox.ts";
import type { WireGuardDevice } from "../dataplane/wireguard/device.ts";
import { RelayPool } from "../net/relay-pool.ts";
import { AgentWebSocket } from "../net/web-socket.ts";
import { osVersionDetail } from "../os/version.ts";
import { ClockWatch } from "./clock-watch.ts";
import { sendHeartbeat } from "./heartbeat.ts";
import { signHello } from "./identity.ts";
import type { Log } from "./log.ts";
import { metricsOf } from "./metrics.ts";
import { NetWatch } from "./net-watch.ts";
import type { NetworkClock } from "./network-clock.ts";
import { PeerTable } from "./peer-table.ts";
import { Pinger } from "./pinger.ts";
import type { AgentState, Registration } from "./state-file.ts";
import { agentPeerOf, runningStatus } from "./status.ts";

export interface LoopOptions {
  readonly state: AgentState;
  readonly registration: Registration;
  readonly savedMap: NetMap | undefined;
  /** What the person has set at this start. */
  readonly settings: OwnSettings | undefined;
  readonly link: LoopLink;
  readonly device: WireGuardDevice;
  readonly clock: NetworkClock;
  readonly log: Log;
  /** Own UDP addresses peers may try. */
  readonly localEndpoints: () => string[];
  /** Where the data link listens. */
  readonly listenPort: () => number;
  /** Looks at the network around; takes some seconds. */
  readonly measureNetwork: (relays: readonly RelayRegion[]) => Promise<NetCheck>;
  /** The map is new or changed: addresses and routes of this host follow. */
  readonly onMap: (map: NetMap) => void;
  /** The control plane does not know this machine any more. */
  readonly onVoid: () => void;
  readonly onStatus: (status: ControlStatus) => void;
  /** A fresh token of this machine for the HTTP API. */
  readonly onToken: (token: string, expiresInS: number) => void;
  /** The control plane has taken settings; one sentence for each that was not granted. */
  readonly onSettled: (refused: readonly string[]) => void;
  /** Does what an admin wants of this machine, and tells what became of it. */
  readonly onCommand: (command: AgentCommand) => Promise<Omit<CommandResult, "id">>;
  /** Another agent runs with these keys: this one must get its own. */
  readonly onCloned: () => void;
}

/** The data thread, whichever serves at the moment. */
export interface LoopLink {
  readonly interfaceName: string;
  send(command: DataCommand): void;
  counters(): TunnelCounters;
  /** Whether only answers to what this machine sent are let in. */
  setShields(up: boolean): void;
}

export interface TunnelCounters {
  /** Name of the crypto engine in use. */
  readonly engine: string;
  readonly drops: Readonly<Record<DropReason, number>>;
  readonly io: Readonly<Record<IoCell, number>>;
}

export type ControlStatus = Omit<Extract<SessionAction, { type: "status" }>, "type">;

const RELAY_BACKOFF = { firstMs: 500, mostMs: 30_000 };
const HEARTBEAT_ANSWER_MS = 10_000;
const BYE_ANSWER_MS = 2_500;

/** The agent's event loop: hands every input to its machine and does what the machines ask. */
export class AgentLoop {
  readonly #options: LoopOptions;
  readonly #session: ControlSession;
  readonly #relays: RelayPool;
  readonly #peers = new PeerTable();
  readonly #pinger: Pinger;
  readonly #out = createControlOutbox();
  #socket: AgentWebSocket | undefined;
  #clock: ClockWatch | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #timerAt = Infinity;
  #control: ControlStatus = { control: "connecting", problem: null, retryInMs: undefined };
  #home: string | undefined;
  #shields = false;
  readonly #osVersion = osVersionDetail();
  readonly #network: NetWatch;
  #finished: ((heard: boolean) => void) | undefined;
  #stopped = false;

  constructor(options: LoopOptions) {
    this.#options = options;
    const { state, registration, savedMap, settings, link, log } = options;
    const instance = crypto.randomUUID();
    this.#session = new ControlSession({
      wireguardPublicKey: state.wireguard_public_key as WireGuardPublicKey,
      version: PRODUCT_VERSION,
      instance,
      machineKeySignature: signHello(state, registration.node_key, instance),
      map: savedMap,
      settings,
      random: Math.random,
    });
    this.#network = new NetWatch({
      measure: options.measureNetwork,
      listenPort: options.listenPort,
      onTelemetry: () => {
        if (!this.#stopped) this.#tellOwnAddresses();
      },
    });
    this.#pinger = new Pinger((command) => link.send(command));
    this.#relays = new RelayPool({
      origin: registration.api_url,
      onDatagram: (source, bytes) => link.send({ type: "datagram.receive", from: source, bytes }),
      onPeerGone: (peer) => log("debug", "relay.peer_gone", { peer: this.#peers.byKey(peer)?.peer.name }),
      onChange: () => this.#handleRelayChange(),
      onTicketWanted: () => this.#advance((out, now) => this.#session.handleTicketWanted(now, out)),
      pauseMs: relayPause,
    });
  }

  /** Starts with the saved map when there is one, and connects. */
  start(): void {
    const { savedMap } = this.#options;
    this.#applyShields();
    if (savedMap !== undefined) this.#applyMap(savedMap, undefined);
    this.#advance((out, now) => this.#session.handleStart(this.#own(), now, out));
    this.#clock = new ClockWatch((now) => this.#handleTick(now), (jumpMs) => this.#handleWake(jumpMs));
  }

  /** Says goodbye and lets go of everything but the data link. Resolves whether the goodbye was heard. */
  async stop(): Promise<boolean> {
    const heard = await new Promise<boolean>((resolve) => {
      this.#finished = resolve;
      this.#advance((out, now) => this.#session.handleBye(now, out));
    });
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#clock?.close();
    this.#socket?.close();
    this.#relays.close();
    return heard;
  }

  handleData(event: DataEvent): void {
    if (this.#stopped) return;
    switch (event.type) {
      case "relay.send": {
        const known = this.#peers.byIndex(event.peer);
        const region = known?.peer.relay_region ?? this.#home;
        if (known !== undefined && region !== undefined) this.#relays.send(region, known.publicKey, event.bytes);
        return;
      }
      case "echo.received":
        return this.#pinger.handleReply(event);
      default:
        this.#options.device.handleEvent(event, performance.now(), this.#out);
        this.#drainDevice();
    }
  }

  /** The data thread was started anew. */
  handleRestart(): void {
    if (this.#stopped) return;
    this.#options.device.handleRestart(performance.now(), this.#out);
    this.#drainDevice();
  }

  get map(): NetMap | undefined {
    return this.#session.map;
  }

  status(): AgentStatus {
    const { state, registration, link } = this.#options;
    return runningStatus({
      state,
      registration,
      self: this.#session.map?.self,
      interfaceName: link.interfaceName,
      control: this.#control,
      home: this.#home,
      network: this.#network.telemetry,
      relay: this.#relays.isHomeOpen ? "connected" : this.#relays.failures > 0 ? "unreachable" : "connecting",
    });
  }

  peers(): AgentPeer[] {
    const states = new Map([...this.#options.device.peers()].map((peer) => [peer.peer, peer]));
    const byKey = new Map([...states.values()].map((peer) => [this.#peers.byIndex(peer.peer)?.peer.id, peer]));
    const clock = { wall: Date.now(), monotonic: performance.now() };
    return [...this.#peers.all()].map(({ peer }) => agentPeerOf(peer, byKey.get(peer.id), clock))
      .sort((a, b) => a.name.localeCompare(b.name));
  }

  /** Has the control plane look who is still there. */
  askWhoIsThere(): void {
    this.#advance((out, now) => this.#session.handleLookWanted(now, out));
  }

  metrics(): AgentMetrics {
    return metricsOf({
      peers: this.peers(),
      states: [...this.#options.device.peers()],
      nameOf: (index) => this.#peers.byIndex(index)?.peer.name,
      counters: this.#options.link.counters(),
      control: this.#control.control,
      relayOpen: this.#relays.isHomeOpen,
      x25519: this.#options.device.x25519,
      uptimeMs: performance.now(),
    });
  }

  checkNetwork(): Promise<NetCheck> {
    return this.#network.check(this.#session.map?.relays ?? []);
  }

  async ping(target: string, timeoutMs: number) {
    const own = this.#session.map?.self ?? this.#options.registration;
    if (target === own.tailnet_ip || target.toLowerCase() === own.name.toLowerCase()) {
      return await this.#pinger.ping(own.tailnet_ip, own.tailnet_ip, timeoutMs);
    }
    const known = this.#peers.find(target);
    if (known === undefined) throw new ZtnaError("NOT_FOUND", `no peer named ${target}. Run 'ztna peers' to list them`);
    const result = await this.#pinger.ping(own.tailnet_ip, known.peer.tailnet_ip, timeoutMs);
    const offline = result.outcome === "timeout" && this.#peers.find(target)?.peer.online !== true;
    return offline ? { ...result, outcome: "unreachable" as const } : result;
  }

  /** Gives the session one input, does what it asks, and sets the clock for the next. */
  #advance(input: (out: SessionAction[], now: number) => void): void {
    const out: SessionAction[] = [];
    input(out, performance.now());
    for (const action of out) this.#perform(action);
    this.#applyShields();
    this.#arm();
  }

  #perform(action: SessionAction): void {
    const { log } = this.#options;
    switch (action.type) {
      case "socket.open":
        return this.#openSocket();
      case "socket.close":
        this.#socket?.close();
        this.#socket = undefined;
        return;
      case "send":
        return this.#socket?.sendText(JSON.stringify(action.message));
      case "keepalive":
        return this.#socket?.sendText(KEEPALIVE_PING);
      case "heartbeat":
        return void this.#heartbeat(action.status);
      case "map":
        return this.#applyMap(action.map, action.change);
      case "clock":
        return this.#options.clock.set(action.wallMs);
      case "map.void":
        return this.#voidMap();
      case "ticket":
        return this.#relays.setTicket(action.ticket);
      case "token":
        return this.#options.onToken(action.token, action.expiresInS);
      case "settled":
        return this.#options.onSettled(action.refused);
      case "command":
        return void this.#obey(action.command);
      case "cloned":
        return this.#options.onCloned();
      case "status":
        this.#control = action;
        log(action.control === "connected" ? "info" : "warn", "control.changed", {
          control: action.control,
          problem: action.problem,
          retry_in_ms: action.retryInMs,
        });
        return this.#options.onStatus(action);
      case "finished":
        return this.#finished?.(action.heard);
    }
  }

  #openSocket(): void {
    const { registration, log } = this.#options;
    this.#socket?.close();
    const socket: AgentWebSocket = new AgentWebSocket(registration.api_url + CONTROL_PATH, registration.node_key, {
      onOpen: () => this.#advance((out, now) => this.#session.handleOpen(now, out)),
      onText: (text) => this.#advance((out, now) => this.#session.handleMessage(text, now, out)),
      onClosed: (end) => {
        if (this.#socket === socket) this.#socket = undefined;
        log("info", "control.closed", { code: end.code, reason: end.reason, refusal: end.refusal?.code });
        this.#advance((out, now) => this.#session.handleClosed(end, now, out));
      },
    });
    this.#socket = socket;
  }

  async #heartbeat(status: "online" | "offline"): Promise<void> {
    const { state, registration } = this.#options;
    const result = await sendHeartbeat({
      state,
      registration,
      own: this.#own(),
      settings: this.#session.settings,
      commandResults: this.#session.commandResults,
      status,
      answerMs: status === "offline" ? BYE_ANSWER_MS : HEARTBEAT_ANSWER_MS,
    });
    if (!this.#stopped) this.#advance((out, now) => this.#session.handleHeartbeat(result, now, out));
  }

  async #obey(command: AgentCommand): Promise<void> {
    const { log, onCommand } = this.#options;
    log("warn", "command.taken", { command: command.command });
    const result = { id: command.id, ...await onCommand(command) };
    log("warn", "command.done", { command: command.command, done: result.done, said: result.said });
    if (!this.#stopped) this.#advance((out) => this.#session.handleCommandDone(result, out));
  }

  #applyMap(map: NetMap, change: Pick<NetMapDelta, "upsert" | "remove"> | undefined): void {
    const { device, onMap, log } = this.#options;
    const now = performance.now();
    if (change === undefined) device.setPeers(this.#peers.replace(map), now, this.#out);
    else this.#applyChange(change, now);
    this.#drainDevice();
    this.#setHome(map);
    onMap(map);
    if (change === undefined) this.#network.handleConnected();
    this.#lookAtNetwork(now);
    log("info", "map.applied", { seq: map.seq, peers: map.peers.length });
  }

  #applyChange({ upsert, remove }: Pick<NetMapDelta, "upsert" | "remove">, now: number): void {
    const { device } = this.#options;
    const drop = (publicKey: Uint8Array | undefined) => {
      if (publicKey === undefined) return;
      this.#relays.forget(publicKey);
      device.removePeer(publicKey, now, this.#out);
    };
    for (const id of remove) drop(this.#peers.remove(id));
    for (const peer of upsert) {
      const { config, removedKey, returned } = this.#peers.upsert(peer);
      drop(removedKey);
      if (config === undefined) continue;
      device.upsertPeer(config, now, this.#out);
      if (returned) device.renewSession(config.publicKey, now, this.#out);
    }
  }

  #voidMap(): void {
    this.#peers.clear();
    this.#options.device.setPeers([], performance.now(), this.#out);
    this.#drainDevice();
    this.#relays.close();
    this.#options.onVoid();
  }

  /** The region of the lowest priority number is home. */
  #setHome(map: NetMap): void {
    const [best] = [...map.relays].sort((a, b) => a.priority - b.priority || a.id - b.id);
    this.#home = best?.region_code;
    this.#relays.setHome(this.#home);
    this.#tellOwnAddresses();
  }

  #handleRelayChange(): void {
    const { isHomeOpen, failures } = this.#relays;
    this.#options.log("info", "relay.changed", { open: isHomeOpen });
    this.#options.device.setRelay(isHomeOpen || failures === 0);
  }

  /** The person's word counts before the control plane has heard of it. */
  #applyShields(): void {
    const up = this.#session.settings?.shields_up ?? this.#session.map?.self.shields_up;
    if (up === undefined || up === this.#shields) return;
    this.#shields = up;
    this.#options.link.setShields(up);
    this.#options.log("info", "shields.changed", { up });
  }

  #own(): OwnAddresses {
    const telemetry = { os_version_detail: this.#osVersion, ...this.#network.telemetry };
    return { endpoints: this.#options.localEndpoints(), relayRegion: this.#home ?? null, telemetry };
  }

  #tellOwnAddresses(): void {
    const out: SessionAction[] = [];
    this.#session.handleOwnAddresses(this.#own(), out);
    for (const action of out) this.#perform(action);
  }

  #lookAtNetwork(now: number): void {
    this.#network.handleNetwork(this.#session.map?.relays ?? [], this.#options.localEndpoints(), now);
  }

  #drainDevice(): void {
    const { commands, relay, events } = this.#out;
    for (const command of commands) {
      this.#peers.observe(command);
      this.#options.link.send(command);
    }
    for (const { publicKey, bytes } of relay) {
      const known = this.#peers.byKey(publicKey);
      const region = known?.peer.relay_region ?? this.#home;
      if (known !== undefined && region !== undefined) this.#relays.sendControl(region, known.publicKey, bytes);
    }
    for (const event of events) {
      const peer = this.#peers.byIndex(event.peer)?.peer;
      this.#options.log("info", event.type, {
        peer: peer?.name,
        ...("path" in event ? { via: event.path.via } : {}),
      });
      if (event.type === "peer.unreachable" && peer?.online === true) this.askWhoIsThere();
    }
    commands.length = relay.length = events.length = 0;
    this.#arm();
  }

  #arm(): void {
    if (this.#stopped) return;
    const at = Math.min(this.#session.nextTimeout() ?? Infinity, this.#options.device.nextTimeout() ?? Infinity);
    if (at === this.#timerAt) return;
    this.#timerAt = at;
    clearTimeout(this.#timer);
    if (at === Infinity) return;
    this.#timer = setTimeout(() => this.#handleTimeout(), Math.max(0, Math.ceil(at - performance.now())));
  }

  #handleTimeout(): void {
    this.#timerAt = Infinity;
    this.#options.device.handleTimeout(performance.now(), this.#out);
    this.#drainDevice();
    this.#advance((out, now) => this.#session.handleTimeout(now, out));
  }

  #handleTick(now: number): void {
    this.#relays.closeIdle(now);
    this.#tellOwnAddresses();
    this.#lookAtNetwork(now);
  }

  #handleWake(jumpMs: number): void {
    this.#network.handleWake();
    this.#options.log("warn", "clock.jumped", { ms: jumpMs });
    this.#advance((out) => this.#session.handleWake(out));
    this.#relays.reconnect();
  }
}

/** The pool keeps the count of failures itself; only the arithmetic is the back-off's. */
function relayPause(failures: number, atLeastMs: number): number {
  const backoff = new Backoff(RELAY_BACKOFF, Math.random);
  for (let i = 0; i < Math.min(failures, 10); i++) backoff.next();
  return backoff.next(atLeastMs);
}
