import type { X25519 } from "../../crypto/engine.ts";
import { Cell, countDrop, type DataEvent, type DropReason, MAX_PEERS, type Path, type PeerCells } from "../link.ts";
import { DirectSearch, type DirectTimings } from "../path/direct-search.ts";
import { firstPath, initiationWays, samePath } from "../path/paths.ts";
import {
  createIdentity,
  createInitiation,
  createRemote,
  createResponse,
  type Identity,
  openInitiation,
  openResponse,
  tai64n,
} from "./handshake.ts";
import { CookieReply, MessageType, Response } from "./messages.ts";
import type { ControlOutbox, PeerConfig, PeerState } from "./outbox.ts";
import { Peer } from "./peer.ts";
import { REJECT_AFTER_MS, REKEY_TIMEOUT_MS } from "./session.ts";
import { TimerQueue } from "./timer-queue.ts";

export interface WireGuardDeviceOptions {
  readonly privateKey: Uint8Array;
  readonly randomBytes: (size: number) => Uint8Array;
  readonly x25519: X25519;
  readonly cells: PeerCells;
  /** One counter for each of `dropReasons`, shared with the data thread, which counts others. */
  readonly drops: Uint32Array;
  readonly timings: DirectTimings;
  /** Milliseconds of the wall clock, for handshake timestamps; every other time is the caller's `now`. */
  readonly wallClock: () => number;
}

const REKEY_ATTEMPTS = 18;
/** Whitepaper 5.1: no peer needs more than fifty initiations a second. */
const INITIATION_INTERVAL_MS = 20;
/** Steps of the timestamps: they must not tell how fast this machine works, and each must be later than the last. */
const TIMESTAMP_STEP_MS = 17;
/** A peer's sessions (next, current, previous) and its pending initiation, and one to spare. */
const MOST_LOCAL_INDICES = 5;

type Received = DataEvent & { type: "handshake.received" };

/**
 * The control thread's pure half of WireGuard: handshakes in both roles, timers, and the choice between the relay and a direct
 * path. A direct path is found by WireGuard's own handshake (docs/architecture.md): an initiation goes to every address of
 * the peer, and a response over UDP proves both directions; `DirectSearch` says when.
 */
export class WireGuardDevice {
  readonly #self: Identity;
  readonly #options: WireGuardDeviceOptions;
  readonly #peers = new Map<string, Peer>();
  readonly #byIndex = new Map<number, Peer>();
  readonly #byLocalIndex = new Map<number, Peer>();
  readonly #timers = new TimerQueue<Peer>();
  /** Rows are used again only when all have been used once: what the data thread still says of a removed peer is lost. */
  #nextRow = 0;
  readonly #freeRows: number[] = [];
  #isRelayUsable = true;
  /** Whether the data thread knows whose handshakes to let through. */
  #introduced = false;

  constructor(options: WireGuardDeviceOptions) {
    this.#options = options;
    this.#self = createIdentity(options.x25519, options.privateKey);
  }

  get publicKey(): Uint8Array {
    return this.#self.key.publicKey;
  }

  /** Name of the X25519 in use. */
  get x25519(): string {
    return this.#options.x25519.name;
  }

  *peers(): Iterable<PeerState> {
    for (const peer of this.#peers.values()) {
      const { index, config: { publicKey }, path, lastHandshakeAt } = peer;
      yield {
        peer: index,
        publicKey,
        path,
        lastHandshakeAt,
        txBytes: peer.cell(Cell.txBytes),
        rxBytes: peer.cell(Cell.rxBytes),
        txPackets: peer.cell(Cell.txPackets),
        rxPackets: peer.cell(Cell.rxPackets),
        handshakes: peer.cell(Cell.handshakes),
      };
    }
  }

  setPeers(configs: readonly PeerConfig[], now: number, out: ControlOutbox): void {
    const wanted = new Set(configs.map(({ publicKey }) => publicKey.toHex()));
    for (const [key, { config }] of this.#peers) if (!wanted.has(key)) this.removePeer(config.publicKey, now, out);
    for (const config of configs) this.upsertPeer(config, now, out);
  }

  upsertPeer(config: PeerConfig, now: number, out: ControlOutbox): void {
    const key = config.publicKey.toHex();
    const peer = this.#peers.get(key) ?? this.#createPeer(key, config);
    if (peer === undefined) return;
    this.#introduce(out);
    peer.config = config;
    const { publicKey, allowedIps } = config;
    out.commands.push({ type: "peer.set", peer: peer.index, publicKey, allowedIps });
    if (peer.path.via === "none") this.#setPath(peer, firstPath(config), out);
    if (config.persistentKeepaliveS) peer.schedule(now);
    this.#timers.update(peer);
  }

  removePeer(publicKey: Uint8Array, _now: number, out: ControlOutbox): void {
    const peer = this.#peers.get(publicKey.toHex());
    if (peer === undefined) return;
    peer.forget();
    for (const index of peer.localIndices) this.#byLocalIndex.delete(index);
    this.#peers.delete(publicKey.toHex());
    this.#byIndex.delete(peer.index);
    this.#freeRows.push(peer.index);
    out.commands.push({ type: "peer.remove", peer: peer.index });
  }

  /** False while the relay cannot be reached: peers are looked for at their addresses then. */
  setRelay(isUsable: boolean): void {
    this.#isRelayUsable = isUsable;
  }

  /** The other end may have started anew and lost its sessions: the one there is serves until a new one takes its place. */
  renewSession(publicKey: Uint8Array, now: number, out: ControlOutbox): void {
    const peer = this.#peers.get(publicKey.toHex());
    if (peer === undefined || !peer.hasSession || peer.waiting) return;
    this.#initiate(peer, now, out);
    this.#timers.update(peer);
  }

  /** The data thread is a new one and knows nothing: it is told all peers, and sessions in use are made anew. */
  handleRestart(now: number, out: ControlOutbox): void {
    this.#introduced = false;
    this.#introduce(out);
    for (const peer of this.#peers.values()) {
      const { index, config: { publicKey, allowedIps }, path } = peer;
      out.commands.push({ type: "peer.set", peer: index, publicKey, allowedIps });
      out.commands.push({ type: "path.set", peer: index, path });
      this.#forgetPending(peer);
      for (const local of peer.localIndices.splice(0)) this.#byLocalIndex.delete(local);
      const inUse = peer.hasSession || peer.attempts > 0;
      peer.lastHandshakeAt = peer.attempts = 0;
      if (inUse) this.#initiate(peer, now, out);
      this.#timers.update(peer);
    }
  }

  handleEvent(event: DataEvent, now: number, out: ControlOutbox): void {
    switch (event.type) {
      case "handshake.received":
        return this.#handleHandshake(event, now, out);
      case "handshake.wanted":
        return this.#with(event.peer, (peer) => !peer.waiting && this.#initiate(peer, now, out));
      case "peer.active":
        return this.#with(event.peer, (peer) => peer.schedule(now));
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
    return this.#timers.next();
  }

  handleTimeout(now: number, out: ControlOutbox): void {
    // Taken first: a peer that wants to be looked at again at once must not hold up the others.
    const due: Peer[] = [];
    for (let peer = this.#timers.takeDue(now); peer !== undefined; peer = this.#timers.takeDue(now)) due.push(peer);
    for (const peer of due) {
      if (peer.retryAt <= now) this.#handleRetry(peer, now, out);
      if (peer.direct.at <= now) this.#tryDirect(peer, now, out);
      this.#timers.update(peer);
    }
  }

  #introduce(out: ControlOutbox): void {
    if (this.#introduced) return;
    this.#introduced = true;
    out.commands.push({ type: "identity.set", publicKey: this.publicKey });
  }

  #createPeer(key: string, config: PeerConfig): Peer | undefined {
    const index = this.#nextRow < MAX_PEERS ? this.#nextRow++ : this.#freeRows.shift();
    if (index === undefined) return undefined;
    const { cells, timings } = this.#options;
    const direct = new DirectSearch(timings);
    const peer = new Peer({ index, config, cells, direct }, () => createRemote(this.#self, config.publicKey));
    this.#peers.set(key, peer);
    this.#byIndex.set(index, peer);
    return peer;
  }

  #handleHandshake(event: Received, now: number, out: ControlOutbox): void {
    switch (event.bytes[0]) {
      case MessageType.initiation:
        return this.#respond(event, now, out);
      case MessageType.response:
        return this.#finish(event, now, out);
      case MessageType.cookieReply:
        return this.#takeCookie(event.bytes, now);
      default:
        return this.#drop("handshake.malformed");
    }
  }

  /** The next initiation, which comes by the retry timer, proves our address with it. */
  #takeCookie(bytes: Uint8Array, now: number): void {
    const peer = this.#byLocalIndex.get(receiverOf(bytes, CookieReply.receiver));
    if (peer === undefined) return this.#drop("handshake.unknown_index");
    if (!peer.cookies.open(bytes, now)) this.#drop("handshake.forged");
  }

  #respond({ bytes, source, relayKey }: Received, now: number, out: ControlOutbox): void {
    let sender: Uint8Array | undefined;
    const opened = openInitiation(this.#self, bytes, (publicKey) => {
      sender = publicKey;
      return this.#peers.get(publicKey.toHex())?.remote;
    });
    const peer = sender && this.#peers.get(sender.toHex());
    if (sender !== undefined && peer === undefined) return this.#drop("handshake.unknown_peer");
    if (opened === undefined || peer === undefined) return this.#drop("handshake.forged");
    // Nobody may carry another's initiation over the relay.
    if (relayKey !== undefined && !sameBytes(relayKey, peer.config.publicKey)) return this.#drop("handshake.forged");
    if (!isLater(opened.timestamp, peer.lastTimestamp)) return this.#drop("handshake.replayed");
    if (now - peer.lastInitiationAt < INITIATION_INTERVAL_MS) return this.#drop("handshake.rate_limited");
    peer.lastTimestamp.set(opened.timestamp);
    peer.lastInitiationAt = now;
    const localIndex = this.#newIndex(peer);
    const { presharedKey } = peer.config;
    const response = createResponse(this.#self, opened, {
      localIndex,
      ephemeral: this.#options.randomBytes(32),
      presharedKey,
    });
    if (response === undefined) return this.#drop("handshake.forged");
    peer.cookies.stamp(response.bytes, now);
    const { remoteIndex } = opened;
    const session = { peer: peer.index, initiator: false, localIndex, remoteIndex, ...response.keys, createdAt: now };
    out.commands.push({ type: "session.install", ...session });
    if (source.via === "relay") out.relay.push({ publicKey: peer.config.publicKey, bytes: response.bytes });
    else out.commands.push({ type: "datagram.send", to: source.endpoint, bytes: response.bytes });
  }

  #finish({ bytes, source }: Received, now: number, out: ControlOutbox): void {
    const localIndex = receiverOf(bytes, Response.receiver);
    const peer = this.#byLocalIndex.get(localIndex);
    const pending = peer?.pending;
    if (peer === undefined || pending?.localIndex !== localIndex) return this.#drop("handshake.unknown_index");
    const finished = openResponse(this.#self, pending, bytes, peer.config.presharedKey);
    if (finished === undefined) return this.#drop("handshake.forged");
    peer.clearPending();
    this.#setPath(peer, source.via === "relay" ? { via: "relay" } : source, out);
    const { remoteIndex, keys } = finished;
    const session = { peer: peer.index, initiator: true, localIndex, remoteIndex, ...keys, createdAt: now };
    out.commands.push({ type: "session.install", ...session });
    this.#connected(peer, now, out);
    this.#timers.update(peer);
  }

  #connected(peer: Peer, now: number, out: ControlOutbox): void {
    peer.lastHandshakeAt = now;
    peer.attempts = 0;
    peer.hear(now);
    peer.countHandshake();
    peer.schedule(now);
    // Of the two ends the one with the lower key.
    peer.direct.plan(peer.wantsDirect, isLater(peer.config.publicKey, this.publicKey), now);
    const { publicKey } = peer.config;
    out.events.push({ type: "peer.connected", peer: peer.index, publicKey, path: peer.path });
  }

  #tryDirect(peer: Peer, now: number, out: ControlOutbox): void {
    const state = { wanted: peer.wantsDirect, lastDataSentAt: peer.cell(Cell.lastDataSent) };
    const step = peer.direct.next(state, now);
    if (step === "attempt") this.#sendInitiation(peer, true, now, out);
    else if (step === "give up" && peer.pendingDirect) this.#forgetPending(peer);
  }

  #initiate(peer: Peer, now: number, out: ControlOutbox): void {
    peer.attempts++;
    this.#sendInitiation(peer, false, now, out);
    peer.retryAt = now + REKEY_TIMEOUT_MS + (this.#options.randomBytes(1)[0]! * 333) / 255;
  }

  #sendInitiation(peer: Peer, directOnly: boolean, now: number, out: ControlOutbox): void {
    const { randomBytes, wallClock } = this.#options;
    this.#forgetPending(peer);
    if (peer.remote === undefined) return;
    const localIndex = this.#newIndex(peer);
    const wall = Math.floor(wallClock() / TIMESTAMP_STEP_MS) * TIMESTAMP_STEP_MS;
    peer.lastSentTimestamp = Math.max(wall, peer.lastSentTimestamp + TIMESTAMP_STEP_MS);
    const input = { localIndex, ephemeral: randomBytes(32), timestamp: tai64n(peer.lastSentTimestamp) };
    const { bytes, pending } = createInitiation(this.#self, peer.remote, input);
    peer.pending = pending;
    peer.pendingDirect = directOnly;
    peer.cookies.stamp(bytes, now);
    const { config, path, attempts } = peer;
    const known = { endpoints: config.endpoints, relay: this.#isRelayed(peer) };
    const { relay, endpoints } = initiationWays(path, known, attempts, directOnly);
    if (relay) out.relay.push({ publicKey: config.publicKey, bytes });
    for (const to of endpoints) {
      out.commands.push({ type: "datagram.send", to, bytes });
    }
  }

  #handleRetry(peer: Peer, now: number, out: ControlOutbox): void {
    if (peer.waiting) {
      if (peer.attempts < REKEY_ATTEMPTS) return this.#initiate(peer, now, out);
      return this.#giveUp(peer, out);
    }
    if (peer.isUnanswered(now)) {
      // The path may be dead: the relay is the way that needs no luck.
      if (this.#isRelayed(peer)) this.#setPath(peer, { via: "relay" }, out);
      return this.#initiate(peer, now, out);
    }
    if (peer.isQuietTooLong(now) && !(peer.hasSession && now - peer.lastHandshakeAt < REJECT_AFTER_MS)) {
      return this.#initiate(peer, now, out);
    }
    if (peer.owesKeepalive(now) || peer.isQuietTooLong(now)) {
      out.commands.push({ type: "keepalive.send", peer: peer.index });
    }
    if (peer.isExpired(now)) {
      out.commands.push({ type: "sessions.drop", peer: peer.index });
      peer.lastHandshakeAt = 0;
    }
    peer.schedule(now);
  }

  /** Whitepaper 6.4: what waits is dropped; the next packet starts anew. */
  #giveUp(peer: Peer, out: ControlOutbox): void {
    this.#forgetPending(peer);
    peer.attempts = 0;
    peer.retryAt = Infinity;
    out.commands.push({ type: "sessions.drop", peer: peer.index });
    out.events.push({ type: "peer.unreachable", peer: peer.index, publicKey: peer.config.publicKey });
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

  #isRelayed({ config }: Peer): boolean {
    return config.relay && this.#isRelayUsable;
  }

  #newIndex(peer: Peer): number {
    let index: number;
    do {
      index = new DataView(this.#options.randomBytes(4).slice().buffer).getUint32(0);
    } while (this.#byLocalIndex.has(index));
    this.#byLocalIndex.set(index, peer);
    peer.localIndices.push(index);
    if (peer.localIndices.length > MOST_LOCAL_INDICES) this.#byLocalIndex.delete(peer.localIndices.shift()!);
    return index;
  }

  #forgetPending(peer: Peer): void {
    if (peer.pending === undefined) return;
    this.#byLocalIndex.delete(peer.pending.localIndex);
    peer.localIndices.splice(peer.localIndices.indexOf(peer.pending.localIndex), 1);
    peer.clearPending();
  }

  #with(index: number, work: (peer: Peer) => unknown): void {
    const peer = this.#byIndex.get(index);
    if (peer === undefined) return;
    work(peer);
    this.#timers.update(peer);
  }

  #drop(reason: DropReason): void {
    countDrop(this.#options.drops, reason);
  }
}

function receiverOf(message: Uint8Array, offset: number): number {
  return new DataView(message.buffer, message.byteOffset).getUint32(offset, true);
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.every((byte, at) => byte === b[at]);
}

/** Compares byte strings of one length, most significant byte first. */
function isLater(a: Uint8Array, b: Uint8Array): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return a[i]! > b[i]!;
  return false;
}
