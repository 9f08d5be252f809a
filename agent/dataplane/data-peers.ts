import type { AeadEngine } from "../crypto/engine.ts";
import {
  Cell,
  cellOffset,
  countDrop,
  type DataCommand,
  type DropReason,
  type Endpoint,
  type Path,
  type PeerCells,
  type PeerIndex,
  type Prefix,
} from "./link.ts";
import type { Outbox } from "./outbox.ts";
import type { Shields } from "./shields.ts";
import { AllowedIps } from "./wireguard/allowed-ips.ts";
import { ReplayWindow } from "./wireguard/replay-window.ts";
import { destroySession, REKEY_TIMEOUT_MS, type Session } from "./wireguard/session.ts";

/** A peer as a data thread knows it. */
export interface DataPeer {
  readonly index: PeerIndex;
  readonly publicKey: Uint8Array;
  allowedIps: readonly Prefix[];
  path: Path;
  current: Session | undefined;
  previous: Session | undefined;
  next: Session | undefined;
  /** Packets that wait for a session. */
  readonly queue: Uint8Array[];
  /** When the control thread was last asked for a handshake that has not come yet. */
  handshakeWantedAt: number;
  /** When an authentic packet last came over UDP. */
  udpHeardAt: number;
}

export interface DataPeersOptions {
  readonly engine: AeadEngine;
  readonly cells: PeerCells;
  /** One counter for each of `dropReasons`. */
  readonly drops: Uint32Array;
  readonly shields: Shields;
}

/** The peers and sessions of one data thread, and what both directions have to say of them. */
export class DataPeers {
  readonly cells: PeerCells;
  readonly routes = new AllowedIps();
  readonly shields: Shields;
  readonly #engine: AeadEngine;
  readonly #drops: Uint32Array;
  readonly #byIndex = new Map<PeerIndex, DataPeer>();
  readonly #byKey = new Map<string, DataPeer>();
  readonly #bySession = new Map<number, { readonly peer: DataPeer; readonly session: Session }>();

  constructor({ engine, cells, drops, shields }: DataPeersOptions) {
    this.cells = cells;
    this.#engine = engine;
    this.#drops = drops;
    this.shields = shields;
  }

  byIndex(index: PeerIndex): DataPeer | undefined {
    return this.#byIndex.get(index);
  }

  byKey(publicKey: Uint8Array): DataPeer | undefined {
    return this.#byKey.get(publicKey.join());
  }

  bySession(localIndex: number): { readonly peer: DataPeer; readonly session: Session } | undefined {
    return this.#bySession.get(localIndex);
  }

  /** Where the peers are that are reached over UDP. */
  *endpoints(): Iterable<Endpoint> {
    for (const { path } of this.#byIndex.values()) if (path.via === "udp") yield path.endpoint;
  }

  set({ peer: index, publicKey, allowedIps }: DataCommand & { type: "peer.set" }): void {
    let peer = this.#byIndex.get(index);
    if (peer === undefined) {
      const none: Path = { via: "none" };
      const sessions = { current: undefined, previous: undefined, next: undefined };
      const timing = { handshakeWantedAt: -Infinity, udpHeardAt: -Infinity };
      peer = { index, publicKey, allowedIps: [], path: none, ...sessions, queue: [], ...timing };
      this.#byIndex.set(index, peer);
      this.#byKey.set(publicKey.join(), peer);
    }
    for (const prefix of peer.allowedIps) this.routes.remove(prefix, index);
    for (const prefix of allowedIps) this.routes.insert(prefix, index);
    peer.allowedIps = allowedIps;
  }

  remove(peer: DataPeer): void {
    const { index } = peer;
    this.dropSessions(peer);
    for (const prefix of peer.allowedIps) this.routes.remove(prefix, index);
    this.#byIndex.delete(index);
    this.#byKey.delete(peer.publicKey.join());
    this.cells.fill(0, cellOffset(index, 0), cellOffset(index + 1, 0));
  }

  /** Takes a finished handshake: an initiator's session is in use at once, a responder's waits as the next one. */
  install(peer: DataPeer, command: DataCommand & { type: "session.install" }): Session {
    const { initiator, localIndex, remoteIndex, createdAt } = command;
    const sendKey = this.#engine.prepare(command.sendKey);
    const receiveKey = this.#engine.prepare(command.receiveKey);
    command.sendKey.fill(0);
    command.receiveKey.fill(0);
    const window = new ReplayWindow();
    const session = { initiator, localIndex, remoteIndex, sendKey, receiveKey, createdAt, window, sendCounter: 0 };
    this.#bySession.set(localIndex, { peer, session });
    if (!initiator) {
      this.#retire(peer.next);
      peer.next = session;
      return session;
    }
    this.#retire(peer.previous);
    // Handshakes that cross: the other end may be using the session we answered to, but ours is the one we renew.
    if (peer.next !== undefined) this.#retire(peer.current);
    peer.previous = peer.next ?? peer.current;
    peer.next = undefined;
    peer.current = session;
    peer.handshakeWantedAt = -Infinity;
    return session;
  }

  /** The next session is in use from now on: the initiator has it (whitepaper 6.5). */
  promote(peer: DataPeer, session: Session): void {
    this.#retire(peer.previous);
    peer.previous = peer.current;
    peer.current = session;
    peer.next = undefined;
    peer.handshakeWantedAt = -Infinity;
  }

  dropSessions(peer: DataPeer): void {
    for (const session of [peer.current, peer.previous, peer.next]) this.#retire(session);
    peer.current = peer.previous = peer.next = undefined;
    peer.queue.length = 0;
    peer.handshakeWantedAt = -Infinity;
  }

  wantHandshake(peer: DataPeer, now: number, out: Outbox): void {
    if (now - peer.handshakeWantedAt < REKEY_TIMEOUT_MS) return;
    peer.handshakeWantedAt = now;
    out.events.push({ type: "handshake.wanted", peer: peer.index });
  }

  /** Has the control thread look after the peer's timers while there is traffic. */
  watch(peer: DataPeer, out: Outbox): void {
    const armed = cellOffset(peer.index, Cell.armed);
    if (this.cells[armed] === 1) return;
    this.cells[armed] = 1;
    out.events.push({ type: "peer.active", peer: peer.index });
  }

  drop(reason: DropReason): void {
    countDrop(this.#drops, reason);
  }

  #retire(session: Session | undefined): void {
    if (session === undefined) return;
    this.#bySession.delete(session.localIndex);
    destroySession(session);
  }
}
