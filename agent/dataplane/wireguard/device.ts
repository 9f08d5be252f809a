import type { X25519 } from "../../crypto/engine.ts";
import { Cell, cellOffset, type DataEvent, MAX_PEERS, type Path, type PeerCells } from "../link.ts";
import {
  createInitiation,
  createResponse,
  hasMac1,
  type Identity,
  openInitiation,
  openResponse,
  type PendingInitiation,
  tai64n,
} from "./handshake.ts";
import { MessageType, messageType, Response } from "./messages.ts";
import type { ControlOutbox, PeerConfig, PeerState } from "./outbox.ts";
import { KEEPALIVE_TIMEOUT_MS, REJECT_AFTER_MS, REKEY_TIMEOUT_MS } from "./session.ts";

export interface WireGuardDeviceOptions {
  readonly privateKey: Uint8Array;
  readonly randomBytes: (size: number) => Uint8Array;
  readonly x25519: X25519;
  readonly cells: PeerCells;
  readonly timings: { readonly directAttemptMs: number; readonly directRetryMs: number };
  /** Milliseconds of the wall clock, for handshake timestamps; every other time is the caller's `now`. */
  readonly wallClock: () => number;
}

interface Peer {
  readonly index: number;
  config: PeerConfig;
  path: Path;
  pending: PendingInitiation | undefined;
  /** True when the pending initiation went to UDP addresses only, to find a direct path. */
  pendingDirect: boolean;
  attempts: number;
  /** When to try again or look at the timers; Infinity for never. */
  retryAt: number;
  directAt: number;
  directAttempts: number;
  lastHandshakeAt: number;
  lastTimestamp: Uint8Array;
}

const REKEY_ATTEMPTS = 18;
const DIRECT_ATTEMPTS = 3;

/**
 * The control thread's pure half of WireGuard: handshakes in both roles, timers, and the choice between the relay and a direct
 * path. A direct path is found by WireGuard's own handshake (docs/architecture.md): an initiation goes to every address of
 * the peer, and a response over UDP proves both directions.
 */
export class WireGuardDevice {
  readonly #self: Identity;
  readonly #options: WireGuardDeviceOptions;
  readonly #peers = new Map<string, Peer>();
  readonly #byIndex = new Map<number, Peer>();
  readonly #byLocalIndex = new Map<number, Peer>();

  constructor(options: WireGuardDeviceOptions) {
    const { privateKey, x25519 } = options;
    this.#options = options;
    this.#self = { privateKey, x25519, publicKey: x25519.publicKey(privateKey) };
  }

  get publicKey(): Uint8Array {
    return this.#self.publicKey;
  }

  *peers(): Iterable<PeerState> {
    const { cells } = this.#options;
    for (const { index: peer, config, path, lastHandshakeAt } of this.#peers.values()) {
      const txBytes = cells[cellOffset(peer, Cell.txBytes)]!;
      const rxBytes = cells[cellOffset(peer, Cell.rxBytes)]!;
      yield { peer, publicKey: config.publicKey, path, lastHandshakeAt, txBytes, rxBytes };
    }
  }

  setPeers(configs: readonly PeerConfig[], now: number, out: ControlOutbox): void {
    const wanted = new Set(configs.map(({ publicKey }) => publicKey.join()));
    for (const [key, { config }] of this.#peers) if (!wanted.has(key)) this.removePeer(config.publicKey, now, out);
    for (const config of configs) this.upsertPeer(config, now, out);
  }

  upsertPeer(config: PeerConfig, now: number, out: ControlOutbox): void {
    const key = config.publicKey.join();
    const peer = this.#peers.get(key) ?? this.#createPeer(key, config);
    if (peer === undefined) return;
    peer.config = config;
    const { publicKey, allowedIps } = config;
    out.commands.push({ type: "peer.set", peer: peer.index, publicKey, allowedIps });
    if (peer.path.via === "none") this.#setPath(peer, firstPath(config), out);
    if (config.persistentKeepaliveS) this.#schedule(peer, now);
  }

  removePeer(publicKey: Uint8Array, _now: number, out: ControlOutbox): void {
    const peer = this.#peers.get(publicKey.join());
    if (peer === undefined) return;
    this.#forget(peer);
    this.#peers.delete(publicKey.join());
    this.#byIndex.delete(peer.index);
    out.commands.push({ type: "peer.remove", peer: peer.index });
  }

  handleEvent(event: DataEvent, now: number, out: ControlOutbox): void {
    switch (event.type) {
      case "handshake.received":
        return this.#handleHandshake(event, now, out);
      case "handshake.wanted":
        return this.#with(event.peer, (peer) => peer.pending === undefined && this.#initiate(peer, now, out));
      case "peer.active":
        return this.#with(event.peer, (peer) => this.#schedule(peer, now));
      case "path.learned":
        return this.#with(event.peer, (peer) => {
          peer.path = event.path;
          this.#reportPath(peer, out);
        });
      case "session.confirmed":
        return this.#with(event.peer, (peer) => this.#connected(peer, now, out));
      default:
        return;
    }
  }

  /** The earliest moment `handleTimeout` has something to do. */
  nextTimeout(): number | undefined {
    let at = Infinity;
    for (const peer of this.#peers.values()) at = Math.min(at, peer.retryAt, peer.directAt);
    return at === Infinity ? undefined : at;
  }

  handleTimeout(now: number, out: ControlOutbox): void {
    for (const peer of this.#peers.values()) {
      if (peer.retryAt <= now) this.#handleRetry(peer, now, out);
      if (peer.directAt <= now) this.#tryDirect(peer, now, out);
    }
  }

  #createPeer(key: string, config: PeerConfig): Peer | undefined {
    let index = 0;
    while (this.#byIndex.has(index)) index++;
    if (index >= MAX_PEERS) return undefined;
    const peer: Peer = {
      index,
      config,
      path: { via: "none" },
      pending: undefined,
      pendingDirect: false,
      attempts: 0,
      retryAt: Infinity,
      directAt: Infinity,
      directAttempts: 0,
      lastHandshakeAt: 0,
      lastTimestamp: new Uint8Array(12),
    };
    this.#peers.set(key, peer);
    this.#byIndex.set(index, peer);
    return peer;
  }

  #handleHandshake(event: DataEvent & { type: "handshake.received" }, now: number, out: ControlOutbox): void {
    const { bytes } = event;
    const type = messageType(bytes);
    if (type !== MessageType.initiation && type !== MessageType.response) return;
    if (!hasMac1(this.#self.publicKey, bytes)) return;
    if (type === MessageType.initiation) this.#respond(event, now, out);
    else this.#finish(event, now, out);
  }

  #respond({ bytes, source }: DataEvent & { type: "handshake.received" }, now: number, out: ControlOutbox): void {
    const opened = openInitiation(this.#self, bytes);
    const peer = opened && this.#peers.get(opened.publicKey.join());
    if (opened === undefined || peer === undefined || !isLater(opened.timestamp, peer.lastTimestamp)) return;
    peer.lastTimestamp = opened.timestamp;
    const { randomBytes } = this.#options;
    const localIndex = this.#newIndex(peer);
    const { presharedKey } = peer.config;
    const response = createResponse(this.#self, opened, { localIndex, ephemeral: randomBytes(32), presharedKey });
    if (response === undefined) return;
    const { remoteIndex } = opened;
    const session = { peer: peer.index, initiator: false, localIndex, remoteIndex, ...response.keys, createdAt: now };
    out.commands.push({ type: "session.install", ...session });
    if (source.via === "relay") out.relay.push({ publicKey: peer.config.publicKey, bytes: response.bytes });
    else out.commands.push({ type: "datagram.send", to: source.endpoint, bytes: response.bytes });
  }

  #finish({ bytes, source }: DataEvent & { type: "handshake.received" }, now: number, out: ControlOutbox): void {
    const localIndex = new DataView(bytes.buffer, bytes.byteOffset).getUint32(Response.receiver, true);
    const peer = this.#byLocalIndex.get(localIndex);
    const pending = peer?.pending;
    if (peer === undefined || pending?.localIndex !== localIndex) return;
    const finished = openResponse(this.#self, pending, bytes, peer.config.presharedKey);
    if (finished === undefined) return;
    peer.pending = undefined;
    this.#setPath(peer, source.via === "relay" ? { via: "relay" } : source, out);
    const { remoteIndex, keys } = finished;
    const session = { peer: peer.index, initiator: true, localIndex, remoteIndex, ...keys, createdAt: now };
    out.commands.push({ type: "session.install", ...session });
    this.#connected(peer, now, out);
  }

  #connected(peer: Peer, now: number, out: ControlOutbox): void {
    peer.lastHandshakeAt = now;
    peer.attempts = 0;
    this.#schedule(peer, now);
    this.#planDirect(peer, now);
    const { publicKey } = peer.config;
    out.events.push({ type: "peer.connected", peer: peer.index, publicKey, path: peer.path });
  }

  /** Only the end with the lower key looks for a direct path at first, so that two attempts do not cross. */
  #planDirect(peer: Peer, now: number): void {
    if (peer.path.via === "udp" || peer.config.endpoints.length === 0) {
      peer.directAt = Infinity;
      peer.directAttempts = 0;
    } else if (peer.directAt === Infinity) {
      const first = isLater(peer.config.publicKey, this.#self.publicKey);
      peer.directAt = now + (first ? 0 : this.#options.timings.directAttemptMs * (DIRECT_ATTEMPTS + 1));
    }
  }

  #tryDirect(peer: Peer, now: number, out: ControlOutbox): void {
    const { directAttemptMs, directRetryMs } = this.#options.timings;
    if (peer.path.via === "udp" || peer.config.endpoints.length === 0) {
      peer.directAt = Infinity;
      return;
    }
    if (peer.directAttempts++ < DIRECT_ATTEMPTS) {
      peer.directAt = now + directAttemptMs;
      this.#sendInitiation(peer, true, out);
      return;
    }
    peer.directAttempts = 0;
    if (peer.pendingDirect) this.#clearPending(peer);
    const idle = now - this.#cell(peer, Cell.lastDataSent) > directRetryMs;
    peer.directAt = idle ? Infinity : now + directRetryMs;
  }

  #initiate(peer: Peer, now: number, out: ControlOutbox): void {
    peer.attempts++;
    this.#sendInitiation(peer, false, out);
    peer.retryAt = now + REKEY_TIMEOUT_MS + (this.#options.randomBytes(1)[0]! * 333) / 255;
  }

  #sendInitiation(peer: Peer, directOnly: boolean, out: ControlOutbox): void {
    const { randomBytes, wallClock } = this.#options;
    this.#clearPending(peer);
    const localIndex = this.#newIndex(peer);
    const input = { localIndex, ephemeral: randomBytes(32), timestamp: tai64n(wallClock()) };
    const created = createInitiation(this.#self, peer.config, input);
    if (created === undefined) return;
    peer.pending = created.pending;
    peer.pendingDirect = directOnly;
    const { bytes } = created;
    const { config, path } = peer;
    if (!directOnly && config.relay) out.relay.push({ publicKey: config.publicKey, bytes });
    const known = path.via === "udp" ? [path.endpoint] : [];
    const targets = directOnly || !config.relay ? [...known, ...config.endpoints] : known;
    for (const to of targets) out.commands.push({ type: "datagram.send", to, bytes });
  }

  #handleRetry(peer: Peer, now: number, out: ControlOutbox): void {
    if (peer.pending !== undefined && !peer.pendingDirect) {
      if (peer.attempts < REKEY_ATTEMPTS) return this.#initiate(peer, now, out);
      this.#clearPending(peer);
      peer.attempts = 0;
      peer.retryAt = Infinity;
      out.commands.push({ type: "sessions.drop", peer: peer.index });
      out.events.push({ type: "peer.unreachable", peer: peer.index, publicKey: peer.config.publicKey });
      return;
    }
    const waiting = this.#cell(peer, Cell.unansweredSince);
    if (waiting > 0 && now - waiting >= KEEPALIVE_TIMEOUT_MS + REKEY_TIMEOUT_MS) {
      // The path may be dead: the relay is the way that needs no luck.
      if (peer.config.relay) this.#setPath(peer, { via: "relay" }, out);
      return this.#initiate(peer, now, out);
    }
    const { lastDataReceived, lastSent } = {
      lastDataReceived: this.#cell(peer, Cell.lastDataReceived),
      lastSent: this.#cell(peer, Cell.lastSent),
    };
    if (lastDataReceived > lastSent && now - lastDataReceived >= KEEPALIVE_TIMEOUT_MS) this.#keepAlive(peer, out);
    const every = (peer.config.persistentKeepaliveS ?? 0) * 1000;
    if (every > 0 && now - Math.max(lastSent, this.#cell(peer, Cell.lastReceived)) >= every) {
      if (peer.lastHandshakeAt > 0 && now - peer.lastHandshakeAt < REJECT_AFTER_MS) this.#keepAlive(peer, out);
      else return this.#initiate(peer, now, out);
    }
    if (peer.lastHandshakeAt > 0 && now - peer.lastHandshakeAt >= 3 * REJECT_AFTER_MS) {
      out.commands.push({ type: "sessions.drop", peer: peer.index });
      peer.lastHandshakeAt = 0;
    }
    this.#schedule(peer, now);
  }

  #keepAlive(peer: Peer, out: ControlOutbox): void {
    out.commands.push({ type: "keepalive.send", peer: peer.index });
  }

  /** Arms the timer for what can come next; an idle peer has none. */
  #schedule(peer: Peer, now: number): void {
    if (peer.pending !== undefined && !peer.pendingDirect) return;
    const waiting = this.#cell(peer, Cell.unansweredSince);
    const received = this.#cell(peer, Cell.lastDataReceived);
    const sent = this.#cell(peer, Cell.lastSent);
    const every = (peer.config.persistentKeepaliveS ?? 0) * 1000;
    let at = Infinity;
    if (waiting > 0) at = Math.min(at, waiting + KEEPALIVE_TIMEOUT_MS + REKEY_TIMEOUT_MS);
    if (received > sent) at = Math.min(at, received + KEEPALIVE_TIMEOUT_MS);
    if (every > 0) at = Math.min(at, Math.max(sent, this.#cell(peer, Cell.lastReceived)) + every);
    if (peer.lastHandshakeAt > 0) at = Math.min(at, peer.lastHandshakeAt + 3 * REJECT_AFTER_MS);
    const quiet = now - Math.max(sent, this.#cell(peer, Cell.lastReceived)) > KEEPALIVE_TIMEOUT_MS + REKEY_TIMEOUT_MS;
    const { cells } = this.#options;
    if (quiet && waiting === 0) cells[cellOffset(peer.index, Cell.armed)] = 0;
    else at = Math.min(at, now + KEEPALIVE_TIMEOUT_MS);
    peer.retryAt = at === Infinity ? at : Math.max(at, now + 100);
  }

  #setPath(peer: Peer, path: Path, out: ControlOutbox): void {
    if (samePath(peer.path, path)) return;
    peer.path = path;
    out.commands.push({ type: "path.set", peer: peer.index, path });
    this.#reportPath(peer, out);
  }

  #reportPath(peer: Peer, out: ControlOutbox): void {
    const { index, path, config } = peer;
    out.events.push({ type: "peer.path", peer: index, publicKey: config.publicKey, path });
  }

  #newIndex(peer: Peer): number {
    let index: number;
    do {
      index = new DataView(this.#options.randomBytes(4).slice().buffer).getUint32(0);
    } while (this.#byLocalIndex.has(index));
    this.#byLocalIndex.set(index, peer);
    return index;
  }

  #clearPending(peer: Peer): void {
    if (peer.pending === undefined) return;
    this.#byLocalIndex.delete(peer.pending.localIndex);
    peer.pending.ephemeral.fill(0);
    peer.pending = undefined;
    peer.pendingDirect = false;
  }

  #forget(peer: Peer): void {
    this.#clearPending(peer);
    for (const [index, owner] of this.#byLocalIndex) if (owner === peer) this.#byLocalIndex.delete(index);
  }

  #cell(peer: Peer, cell: number): number {
    return this.#options.cells[cellOffset(peer.index, cell)]!;
  }

  #with(index: number, work: (peer: Peer) => unknown): void {
    const peer = this.#byIndex.get(index);
    if (peer !== undefined) work(peer);
  }
}

function firstPath({ relay, endpoints }: PeerConfig): Path {
  if (relay) return { via: "relay" };
  const [endpoint] = endpoints;
  return endpoint === undefined ? { via: "none" } : { via: "udp", endpoint };
}

function samePath(a: Path, b: Path): boolean {
  if (a.via !== "udp" || b.via !== "udp") return a.via === b.via;
  return a.endpoint.port === b.endpoint.port && sameBytes(a.endpoint.address, b.endpoint.address);
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.every((byte, at) => byte === b[at]);
}

/** Compares byte strings of one length, most significant byte first. */
function isLater(a: Uint8Array, b: Uint8Array): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return a[i]! > b[i]!;
  return false;
}
