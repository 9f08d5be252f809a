import { type AeadEngine, TAG_BYTES } from "../crypto/engine.ts";
import { type DataArena, slotOffset } from "./arena.ts";
import {
  Cell,
  cellOffset,
  type DataCommand,
  type DropReason,
  dropReasons,
  ECHO_ID,
  type Endpoint,
  type Path,
  type PeerCells,
  type PeerIndex,
  type Prefix,
  type Source,
} from "./link.ts";
import { combineEcn, ecnOf, setEcn } from "./offload/ecn.ts";
import { SuperPacket } from "./offload/split.ts";
import { Outbox } from "./outbox.ts";
import { AllowedIps } from "./wireguard/allowed-ips.ts";
import { MessageType, messageType, Transport, TRANSPORT_HEADER_BYTES } from "./wireguard/messages.ts";
import { ReplayWindow } from "./wireguard/replay-window.ts";
import {
  destroySession,
  KEEPALIVE_TIMEOUT_MS,
  mayStillBeUsed,
  REJECT_AFTER_MESSAGES,
  REJECT_AFTER_MS,
  REKEY_AFTER_MESSAGES,
  REKEY_AFTER_MS,
  REKEY_TIMEOUT_MS,
  type Session,
} from "./wireguard/session.ts";

export interface DataPlaneOptions {
  readonly arena: DataArena;
  readonly engine: AeadEngine;
  readonly cells: PeerCells;
  /** One counter for each of `dropReasons`. */
  readonly drops: Uint32Array;
  readonly rekeyAfterMs?: number;
  /** False for one that only receives: two that send would use a counter twice. */
  readonly sends?: boolean;
}

interface Peer {
  readonly index: PeerIndex;
  readonly publicKey: Uint8Array;
  allowedIps: readonly Prefix[];
  path: Path;
  current: Session | undefined;
  previous: Session | undefined;
  next: Session | undefined;
  readonly queue: Uint8Array[];
  /** When the control thread was last asked for a handshake that has not come yet. */
  handshakeWantedAt: number;
  /** When an authentic packet last came over UDP. */
  udpHeardAt: number;
}

const QUEUE_PACKETS = 64;
/** A packet by relay does not move a peer off a UDP path that was heard this recently. */
const UDP_HOLD_MS = 5_000;
const RELAY: Path = { via: "relay" };
const NOWHERE: Endpoint = { address: new Uint8Array(16), port: 0 };
const LEAST_TRANSPORT_BYTES = TRANSPORT_HEADER_BYTES + TAG_BYTES;

/**
 * The data thread's pure half: IP packets in, sealed datagrams out, and back. It works in the arena, knows neither sockets
 * nor clocks, and counts what it drops.
 */
export class DataPlane {
  readonly #arena: DataArena;
  readonly #engine: AeadEngine;
  readonly #cells: PeerCells;
  readonly #drops: Uint32Array;
  readonly #rekeyAfterMs: number;
  readonly #sends: boolean;
  readonly #routes = new AllowedIps();
  readonly #peers = new Map<PeerIndex, Peer>();
  readonly #byKey = new Map<string, Peer>();
  readonly #byIndex = new Map<number, { peer: Peer; session: Session }>();
  readonly #superPacket: SuperPacket;
  #outerEcn = 0;
  /** Where the datagram at hand came from. */
  readonly #source: { readonly via: "udp"; endpoint: Endpoint } = { via: "udp", endpoint: NOWHERE };

  constructor({ arena, engine, cells, drops, rekeyAfterMs = REKEY_AFTER_MS, sends = true }: DataPlaneOptions) {
    this.#rekeyAfterMs = rekeyAfterMs;
    this.#sends = sends;
    this.#arena = arena;
    this.#engine = engine;
    this.#cells = cells;
    this.#drops = drops;
    this.#superPacket = new SuperPacket(arena);
  }

  apply(command: DataCommand, now: number, out: Outbox): void {
    switch (command.type) {
      case "peer.set":
        return this.#setPeer(command);
      case "peer.remove":
        return this.#removePeer(command.peer);
      case "path.set":
        return this.#with(command.peer, (peer) => void (peer.path = command.path));
      case "session.install":
        return this.#with(command.peer, (peer) => this.#install(peer, command, now, out));
      case "session.promote":
        return this.#with(command.peer, (peer) => {
          if (peer.next?.localIndex === command.localIndex) this.#promote(peer, peer.next, now, out);
        });
      case "sessions.drop":
        return this.#with(command.peer, (peer) => this.#dropSessions(peer));
      case "keepalive.send":
        return this.#with(command.peer, (peer) => this.#sendKeepalive(peer, now, out));
      case "datagram.send":
        if (command.bytes.length > this.#arena.udpOut.slotBytes) return this.#drop("handshake.malformed");
        this.#arena.bytes.set(command.bytes, out.nextDatagram());
        return out.addDatagram(command.bytes.length, command.to);
      case "datagram.receive":
        return this.#receiveRelayed(command.from, command.bytes, now, out);
      case "packet.inject":
        return this.#inject(command.bytes, now, out);
      case "offloads.set":
      case "stop":
        // The loop's business.
        return;
    }
  }

  handleTunPacket(offset: number, length: number, now: number, out: Outbox): void {
    const { bytes } = this.#arena;
    const peer = this.#peerFor(bytes, offset, length);
    if (peer === undefined) return;
    this.#watch(peer, out);
    const session = peer.current;
    if (session === undefined || !mayStillBeUsed(session, now)) {
      return this.#enqueue(peer, bytes.slice(offset, offset + length), now, out);
    }
    // A slot of the TUN is longer than any packet: there is room for the padding.
    this.#seal(peer, session, offset, length, now, out);
    this.#renew(peer, session, now, out);
  }

  /** What a TUN read that puts the kernel's header (`VnetHeader`) before each packet. */
  handleSuperPacket(offset: number, length: number, now: number, out: Outbox): void {
    const packet = this.#superPacket;
    if (!packet.read(offset, length) || packet.segments > Outbox.mostSegments) return this.#drop("tun.malformed");
    if (packet.segments === 1) return this.handleTunPacket(packet.offset, packet.length, now, out);
    const { bytes } = this.#arena;
    const peer = this.#peerFor(bytes, packet.offset, packet.length);
    if (peer === undefined) return;
    this.#watch(peer, out);
    const session = peer.current;
    for (let index = 0; index < packet.segments; index++) {
      const size = packet.segmentBytes(index);
      const place = packet.takeSegment(index);
      if (session === undefined || !mayStillBeUsed(session, now)) {
        this.#enqueue(peer, bytes.slice(place, place + size), now, out);
      } else if (this.#paddingOf(size) === 0) {
        this.#seal(peer, session, place, size, now, out);
      } else {
        // Padding would fall on the next segment.
        this.#send(peer, session, bytes.subarray(place, place + size), now, out);
      }
    }
    if (session !== undefined) this.#renew(peer, session, now, out);
  }

  /** `ecn` are the bits of the outer packet. */
  handleDatagram(offset: number, length: number, endpoint: Endpoint, now: number, out: Outbox, ecn = 0): void {
    const source = this.#source;
    source.endpoint = endpoint;
    this.#outerEcn = ecn;
    this.#receive(offset, length, source, undefined, now, out);
  }

  #inject(packet: Uint8Array, now: number, out: Outbox): void {
    const peer = this.#peerFor(packet, 0, packet.length);
    if (peer === undefined) return;
    this.#watch(peer, out);
    const session = peer.current;
    if (session === undefined || !mayStillBeUsed(session, now)) return this.#enqueue(peer, packet.slice(), now, out);
    this.#send(peer, session, packet, now, out);
    this.#renew(peer, session, now, out);
  }

  /** The peer whose allowed IPs hold the packet's destination; counts a packet that has none. */
  #peerFor(bytes: Uint8Array, at: number, length: number): Peer | undefined {
    const version = length < 20 ? 0 : bytes[at]! >>> 4;
    const index = version === 4
      ? this.#routes.find(bytes, at + 16, 4)
      : version === 6 && length >= 40
      ? this.#routes.find(bytes, at + 24, 16)
      : undefined;
    const peer = index === undefined ? undefined : this.#peers.get(index);
    if (peer === undefined) this.#drop(version === 4 || version === 6 ? "tun.no_route" : "tun.malformed");
    return peer;
  }

  /** Whitepaper 6.2: the initiator asks for a new session early enough. */
  #renew(peer: Peer, session: Session, now: number, out: Outbox): void {
    const old = session.initiator && now - session.createdAt >= this.#rekeyAfterMs;
    if (old || session.sendCounter >= REKEY_AFTER_MESSAGES) this.#wantHandshake(peer, now, out);
  }

  /** Keeps a packet (a copy of its own) until there is a session. */
  #enqueue(peer: Peer, packet: Uint8Array, now: number, out: Outbox): void {
    if (peer.queue.length >= QUEUE_PACKETS) {
      peer.queue.shift();
      this.#drop("tun.queue_full");
    }
    peer.queue.push(packet);
    const waiting = cellOffset(peer.index, Cell.unansweredSince);
    if (this.#cells[waiting] === 0) this.#cells[waiting] = now;
    this.#wantHandshake(peer, now, out);
  }

  #send(peer: Peer, session: Session, packet: Uint8Array, now: number, out: Outbox): void {
    if (packet.length > this.#mostContent) return this.#drop("tun.malformed");
    const place = out.nextDatagram() + TRANSPORT_HEADER_BYTES;
    this.#arena.bytes.set(packet, place);
    this.#seal(peer, session, place, packet.length, now, out);
  }

  /** Zeroes behind a packet: up to 15, and none that would make it longer than the MTU (whitepaper 5.4.6). */
  #paddingOf(content: number): number {
    return Math.min((content + 15) & ~15, Math.max(content, this.#arena.mtuBytes)) - content;
  }

  /**
   * Seals the `content` bytes (none for a keepalive) at `source` into the next datagram. They may lie there already, where
   * they belong. Padding is written behind them.
   */
  #seal(peer: Peer, session: Session, source: number, content: number, now: number, out: Outbox): void {
    const { bytes, view } = this.#arena;
    if (content > this.#mostContent) return this.#drop("tun.malformed");
    if (peer.path.via === "none") return this.#drop("tun.no_path");
    const padded = content + this.#paddingOf(content);
    const slot = out.nextDatagram();
    const body = slot + TRANSPORT_HEADER_BYTES;
    const counter = session.sendCounter++;
    view.setUint32(slot, MessageType.transport, true);
    view.setUint32(slot + Transport.receiver, session.remoteIndex, true);
    view.setUint32(slot + Transport.counter, counter >>> 0, true);
    view.setUint32(slot + Transport.counter + 4, Math.floor(counter / 2 ** 32), true);
    const ecn = content === 0 ? 0 : ecnOf(view, source);
    for (let at = source + content; at < source + padded; at++) bytes[at] = 0;
    session.sendKey.seal(counter, source, padded, body);
    const length = TRANSPORT_HEADER_BYTES + padded + TAG_BYTES;
    if (peer.path.via === "udp") out.addDatagram(length, peer.path.endpoint, ecn);
    else out.events.push({ type: "relay.send", peer: peer.index, bytes: bytes.slice(slot, slot + length) });
    this.#countSent(peer, length, content > 0, now);
  }

  /** The longest packet whose datagram is one the arena has room for. */
  get #mostContent(): number {
    return this.#arena.udpOut.slotBytes - TRANSPORT_HEADER_BYTES - TAG_BYTES - 15;
  }

  #countSent({ index }: Peer, length: number, content: boolean, now: number): void {
    const cells = this.#cells;
    cells[cellOffset(index, Cell.txBytes)]! += length;
    cells[cellOffset(index, Cell.txPackets)]!++;
    cells[cellOffset(index, Cell.lastSent)] = now;
    if (!content) return;
    cells[cellOffset(index, Cell.lastDataSent)] = now;
    const waiting = cellOffset(index, Cell.unansweredSince);
    if (cells[waiting] === 0) cells[waiting] = now;
  }

  #receiveRelayed(from: Uint8Array, datagram: Uint8Array, now: number, out: Outbox): void {
    const peer = this.#byKey.get(from.join());
    if (peer === undefined && datagram[0] === MessageType.transport) return this.#drop("relay.unknown_peer");
    const slot = slotOffset(this.#arena.udpIn, 0);
    if (datagram.length > this.#arena.udpIn.slotBytes) return this.#drop("udp.malformed");
    this.#arena.bytes.set(datagram, slot);
    this.#receive(slot, datagram.length, { via: "relay" }, from, now, out);
  }

  #receive(
    offset: number,
    length: number,
    source: Source,
    relayKey: Uint8Array | undefined,
    now: number,
    out: Outbox,
  ): void {
    const isTransport = length >= LEAST_TRANSPORT_BYTES &&
      this.#arena.view.getUint32(offset, true) === MessageType.transport;
    if (isTransport) return this.#open(offset, length, source, now, out);
    const bytes = this.#arena.bytes.slice(offset, offset + length);
    if (messageType(bytes) === undefined) return this.#drop("udp.malformed");
    out.events.push({ type: "handshake.received", source: { ...source }, relayKey, bytes });
  }

  #open(offset: number, length: number, source: Source, now: number, out: Outbox): void {
    const { view } = this.#arena;
    const found = this.#byIndex.get(view.getUint32(offset + Transport.receiver, true));
    if (found === undefined) return this.#drop("udp.unknown_index");
    const { peer, session } = found;
    const high = view.getUint32(offset + Transport.counter + 4, true);
    const counter = high * 2 ** 32 + view.getUint32(offset + Transport.counter, true);
    if (now - session.createdAt >= REJECT_AFTER_MS || counter >= REJECT_AFTER_MESSAGES) {
      return this.#drop("udp.expired");
    }
    if (!session.window.accepts(counter)) return this.#drop("udp.replayed");
    const body = offset + TRANSPORT_HEADER_BYTES;
    const sealed = length - TRANSPORT_HEADER_BYTES;
    if (!session.receiveKey.open(counter, body, sealed, body)) return this.#drop("udp.forged");
    session.window.mark(counter);
    this.#confirm(peer, session, now, out);
    this.#hear(peer, session, source, length, now, out);
    if (sealed > TAG_BYTES) this.#deliver(peer, body, sealed - TAG_BYTES, source, now, out);
  }

  /** The first packet on a responder's new session proves that the initiator has it: whitepaper 6.5. */
  #confirm(peer: Peer, session: Session, now: number, out: Outbox): void {
    if (peer.next !== session) return;
    out.events.push({ type: "session.confirmed", peer: peer.index, localIndex: session.localIndex });
    this.#promote(peer, session, now, out);
  }

  #promote(peer: Peer, session: Session, now: number, out: Outbox): void {
    this.#retire(peer.previous);
    peer.previous = peer.current;
    peer.current = session;
    peer.next = undefined;
    peer.handshakeWantedAt = -Infinity;
    if (this.#sends) this.#flush(peer, now, out);
  }

  #hear(peer: Peer, session: Session, source: Source, length: number, now: number, out: Outbox): void {
    const cells = this.#cells;
    cells[cellOffset(peer.index, Cell.rxBytes)]! += length;
    cells[cellOffset(peer.index, Cell.rxPackets)]!++;
    cells[cellOffset(peer.index, Cell.lastReceived)] = now;
    cells[cellOffset(peer.index, Cell.unansweredSince)] = 0;
    this.#roam(peer, source, now, out);
    const due = REJECT_AFTER_MS - KEEPALIVE_TIMEOUT_MS - REKEY_TIMEOUT_MS;
    if (session.initiator && session === peer.current && now - session.createdAt >= due) {
      this.#wantHandshake(peer, now, out);
    }
  }

  #roam(peer: Peer, source: Source, now: number, out: Outbox): void {
    const { path } = peer;
    if (source.via === "relay") {
      if (path.via === "relay" || (path.via === "udp" && now - peer.udpHeardAt < UDP_HOLD_MS)) return;
      peer.path = RELAY;
    } else {
      peer.udpHeardAt = now;
      if (path.via === "udp" && sameEndpoint(path.endpoint, source.endpoint)) return;
      peer.path = { via: "udp", endpoint: { address: source.endpoint.address.slice(), port: source.endpoint.port } };
    }
    out.events.push({ type: "path.learned", peer: peer.index, path: peer.path });
  }

  #deliver(peer: Peer, offset: number, most: number, source: Source, now: number, out: Outbox): void {
    const { bytes } = this.#arena;
    const version = bytes[offset]! >>> 4;
    const length = innerLength(bytes, offset, most, version);
    if (length === undefined) return this.#drop("udp.malformed_inner");
    const sender = version === 4 ? this.#routes.find(bytes, offset + 12, 4) : this.#routes.find(bytes, offset + 8, 16);
    if (sender !== peer.index) return this.#drop("udp.source_not_allowed");
    this.#cells[cellOffset(peer.index, Cell.lastDataReceived)] = now;
    this.#watch(peer, out);
    if (source.via === "udp" && this.#outerEcn !== 0 && !this.#takeEcn(offset)) return this.#drop("udp.congestion");
    const sequence = echoSequence(bytes, offset, length);
    if (sequence !== undefined) {
      out.events.push({ type: "echo.received", peer: peer.index, sequence, via: source.via });
      return;
    }
    out.addPacket(offset, length);
  }

  /** Gives the packet the mark its way put on the outer one; false when it must be dropped instead. */
  #takeEcn(offset: number): boolean {
    const { view } = this.#arena;
    const inner = ecnOf(view, offset);
    const ecn = combineEcn(inner, this.#outerEcn);
    if (ecn !== undefined && ecn !== inner) setEcn(view, offset, ecn);
    return ecn !== undefined;
  }

  #setPeer({ peer: index, publicKey, allowedIps }: DataCommand & { type: "peer.set" }): void {
    let peer = this.#peers.get(index);
    if (peer === undefined) {
      const none: Path = { via: "none" };
      const sessions = { current: undefined, previous: undefined, next: undefined };
      const timing = { handshakeWantedAt: -Infinity, udpHeardAt: -Infinity };
      peer = { index, publicKey, allowedIps: [], path: none, ...sessions, queue: [], ...timing };
      this.#peers.set(index, peer);
      this.#byKey.set(publicKey.join(), peer);
    }
    for (const prefix of peer.allowedIps) this.#routes.remove(prefix, index);
    for (const prefix of allowedIps) this.#routes.insert(prefix, index);
    peer.allowedIps = allowedIps;
  }

  #removePeer(index: PeerIndex): void {
    this.#with(index, (peer) => {
      this.#dropSessions(peer);
      for (const prefix of peer.allowedIps) this.#routes.remove(prefix, index);
      this.#peers.delete(index);
      this.#byKey.delete(peer.publicKey.join());
      this.#cells.fill(0, cellOffset(index, 0), cellOffset(index + 1, 0));
    });
  }

  #install(peer: Peer, command: DataCommand & { type: "session.install" }, now: number, out: Outbox): void {
    const { initiator, localIndex, remoteIndex, createdAt } = command;
    const sendKey = this.#engine.prepare(command.sendKey);
    const receiveKey = this.#engine.prepare(command.receiveKey);
    command.sendKey.fill(0);
    command.receiveKey.fill(0);
    const window = new ReplayWindow();
    const session = { initiator, localIndex, remoteIndex, sendKey, receiveKey, createdAt, window, sendCounter: 0 };
    this.#byIndex.set(localIndex, { peer, session });
    if (initiator) {
      this.#retire(peer.previous);
      // Handshakes that cross: the other end may be using the session we answered to, but ours is the one we renew.
      if (peer.next !== undefined) this.#retire(peer.current);
      peer.previous = peer.next ?? peer.current;
      peer.next = undefined;
      peer.current = session;
      peer.handshakeWantedAt = -Infinity;
      if (!this.#sends) return;
      // The responder may use its session only after our first packet, be it an empty one.
      if (peer.queue.length === 0) this.#send(peer, session, EMPTY, now, out);
      this.#flush(peer, now, out);
    } else {
      this.#retire(peer.next);
      peer.next = session;
    }
  }

  #flush(peer: Peer, now: number, out: Outbox): void {
    if (peer.current === undefined) return;
    for (const packet of peer.queue.splice(0)) this.#send(peer, peer.current, packet, now, out);
  }

  #sendKeepalive(peer: Peer, now: number, out: Outbox): void {
    if (peer.current !== undefined && mayStillBeUsed(peer.current, now)) {
      this.#send(peer, peer.current, EMPTY, now, out);
    }
  }

  #dropSessions(peer: Peer): void {
    for (const session of [peer.current, peer.previous, peer.next]) this.#retire(session);
    peer.current = peer.previous = peer.next = undefined;
    peer.queue.length = 0;
    peer.handshakeWantedAt = -Infinity;
  }

  #retire(session: Session | undefined): void {
    if (session === undefined) return;
    this.#byIndex.delete(session.localIndex);
    destroySession(session);
  }

  #wantHandshake(peer: Peer, now: number, out: Outbox): void {
    if (now - peer.handshakeWantedAt < REKEY_TIMEOUT_MS) return;
    peer.handshakeWantedAt = now;
    out.events.push({ type: "handshake.wanted", peer: peer.index });
  }

  #watch(peer: Peer, out: Outbox): void {
    const armed = cellOffset(peer.index, Cell.armed);
    if (this.#cells[armed] === 1) return;
    this.#cells[armed] = 1;
    out.events.push({ type: "peer.active", peer: peer.index });
  }

  #with(index: PeerIndex, work: (peer: Peer) => void): void {
    const peer = this.#peers.get(index);
    if (peer !== undefined) work(peer);
  }

  #drop(reason: DropReason): void {
    this.#drops[dropReasons.indexOf(reason)]!++;
  }
}

const EMPTY = new Uint8Array(0);

function sameEndpoint(a: Endpoint, b: Endpoint): boolean {
  if (a.port !== b.port) return false;
  for (let i = 0; i < 16; i++) if (a.address[i] !== b.address[i]) return false;
  return true;
}

/** The inner packet's own length without padding, or undefined when it lies. */
function innerLength(bytes: Uint8Array, offset: number, most: number, version: number): number | undefined {
  if (version === 4 && most >= 20) {
    const length = (bytes[offset + 2]! << 8) | bytes[offset + 3]!;
    const header = (bytes[offset]! & 15) * 4;
    return header >= 20 && length >= header && length <= most ? length : undefined;
  }
  if (version === 6 && most >= 40) {
    const length = 40 + ((bytes[offset + 4]! << 8) | bytes[offset + 5]!);
    return length <= most ? length : undefined;
  }
  return undefined;
}

/** The sequence number of an ICMP echo reply to one of the agent's own probes (RFC 792). */
function echoSequence(bytes: Uint8Array, offset: number, length: number): number | undefined {
  if (bytes[offset + 9] !== 1 || bytes[offset]! !== 0x45 || length < 28) return undefined;
  const icmp = offset + 20;
  const id = (bytes[icmp + 4]! << 8) | bytes[icmp + 5]!;
  return bytes[icmp] === 0 && id === ECHO_ID ? (bytes[icmp + 6]! << 8) | bytes[icmp + 7]! : undefined;
}
