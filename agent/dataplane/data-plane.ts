import type { AeadEngine } from "../crypto/engine.ts";
import { TAG_BYTES } from "../crypto/engine.ts";
import { type DataArena, slotOffset } from "./arena.ts";
import { DataPeer } from "./data-peer.ts";
import {
  echoReplySequence,
  innerLength,
  IPV4_DESTINATION,
  IPV4_SOURCE,
  IPV6_DESTINATION,
  IPV6_SOURCE,
  ipVersion,
} from "./ip-packet.ts";
import {
  type DataCommand,
  type DropReason,
  dropReasons,
  ECHO_ID,
  type Endpoint,
  type Path,
  type PeerCells,
  type PeerIndex,
} from "./link.ts";
import type { Outbox } from "./outbox.ts";
import { isSameEndpoint } from "./path/same-path.ts";
import { PeerMeter } from "./peer-meter.ts";
import { AllowedIps } from "./wireguard/allowed-ips.ts";
import {
  REJECT_AFTER_MESSAGES,
  REKEY_AFTER_MESSAGES,
  REKEY_AFTER_MS,
  REKEY_ATTEMPT_MS,
  REKEY_ON_RECEIVE_MS,
  REKEY_TIMEOUT_MS,
} from "./wireguard/limits.ts";
import { MessageType, messageTypeAt, Transport, TRANSPORT_HEADER_BYTES } from "./wireguard/messages.ts";
import { Session } from "./wireguard/session.ts";

export interface DataPlaneOptions {
  readonly arena: DataArena;
  readonly engine: AeadEngine;
  readonly cells: PeerCells;
  /** One counter per `dropReasons`. */
  readonly drops: Uint32Array;
}

/**
 * The data thread's pure half: IP packets from the TUN become WireGuard transport packets to a UDP address or the relay,
 * and back. It makes no keys and runs no timers; those are the control thread's (`WireGuardDevice`), which it tells what it
 * needs by events. Offsets and lengths are bytes of the arena, times milliseconds.
 */
export class DataPlane {
  readonly #arena: DataArena;
  readonly #engine: AeadEngine;
  readonly #drops: Uint32Array;
  readonly #meter: PeerMeter;
  readonly #allowedIps = new AllowedIps();
  readonly #peers: (DataPeer | undefined)[] = [];
  readonly #peersByKey = new Map<string, DataPeer>();
  readonly #sessions = new Map<number, Session>();
  #relayedSlot = 0;

  constructor({ arena, engine, cells, drops }: DataPlaneOptions) {
    this.#arena = arena;
    this.#engine = engine;
    this.#drops = drops;
    this.#meter = new PeerMeter(cells);
  }

  /** The slots of `udpIn` are free while a command is applied: what the relay delivered is opened there. */
  apply(command: DataCommand, now: number, out: Outbox): void {
    switch (command.type) {
      case "peer.set":
        return this.#setPeer(command);
      case "peer.remove":
        return this.#removePeer(command.peer);
      case "path.set":
        return this.#setPath(command.peer, command.path);
      case "session.install":
        return this.#install(command, now, out);
      case "sessions.drop":
        return this.#dropSessions(command.peer);
      case "keepalive.send":
        return this.#sendKeepalive(command.peer, now, out);
      case "datagram.send":
        return this.#sendDatagram(command.to, command.bytes, out);
      case "datagram.receive":
        return this.#handleRelayed(command.from, command.bytes, now, out);
      case "packet.inject":
        return this.#inject(command.bytes, now, out);
      case "stop":
        return;
    }
  }

  /** An IP packet to send. The outbox must not be full. Up to 15 bytes after the packet are overwritten. */
  handleTunPacket(offset: number, length: number, now: number, out: Outbox): void {
    const { bytes, udpOut } = this.#arena;
    const version = ipVersion(bytes, offset, length);
    if (version === 0 || length + TRANSPORT_OVERHEAD > udpOut.slotBytes) return this.#drop("tun.malformed");
    const index = version === 4
      ? this.#allowedIps.find(bytes, offset + IPV4_DESTINATION, 4)
      : this.#allowedIps.find(bytes, offset + IPV6_DESTINATION, 16);
    const peer = index === undefined ? undefined : this.#peers[index];
    if (peer === undefined) return this.#drop("tun.no_route");
    this.#sendContent(peer, offset, length, now, out);
  }

  /** A datagram from the socket. It is opened in place; what becomes a packet stays there until the outbox is drained. */
  handleDatagram(offset: number, length: number, source: Endpoint, now: number, out: Outbox): void {
    this.#receive(offset, length, source, undefined, now, out);
  }

  #setPeer({ peer: index, publicKey, allowedIps }: Extract<DataCommand, { type: "peer.set" }>): void {
    if (this.#peers[index] === undefined) {
      const peer = new DataPeer(index, publicKey);
      this.#peers[index] = peer;
      this.#peersByKey.set(publicKey.toHex(), peer);
      this.#meter.reset(index);
    } else this.#allowedIps.removePeer(index);
    for (const prefix of allowedIps) this.#allowedIps.insert(prefix, index);
  }

  #removePeer(index: PeerIndex): void {
    const peer = this.#peers[index];
    if (peer === undefined) return;
    this.#dropSessions(index);
    this.#allowedIps.removePeer(index);
    this.#peersByKey.delete(peer.publicKey.toHex());
    this.#peers[index] = undefined;
    this.#meter.reset(index);
  }

  #setPath(index: PeerIndex, path: Path): void {
    const peer = this.#peers[index];
    if (peer !== undefined) peer.path = path;
  }

  #install(command: Extract<DataCommand, { type: "session.install" }>, now: number, out: Outbox): void {
    const peer = this.#peers[command.peer];
    if (peer === undefined) return;
    const session = new Session(command, this.#engine);
    this.#sessions.set(session.localIndex, session);
    if (!command.initiator) return this.#forget(peer.await(session));
    this.#forget(peer.use(session));
    peer.wantedAt = -Infinity;
    this.#meter.answered(peer.index);
    // The responder may not send before it has heard something on the new keys (6.5).
    if (!this.#flush(peer, now, out)) this.#sendKeepalive(peer.index, now, out);
  }

  #dropSessions(index: PeerIndex): void {
    for (const session of this.#peers[index]?.takeSessions() ?? []) this.#forget(session);
  }

  #forget(session: Session | undefined): void {
    if (session === undefined) return;
    if (this.#sessions.get(session.localIndex) === session) this.#sessions.delete(session.localIndex);
    session.destroy();
  }

  #sendKeepalive(index: PeerIndex, now: number, out: Outbox): void {
    const peer = this.#peers[index];
    if (peer === undefined || out.full) return;
    if (peer.current?.maySend(now)) this.#seal(peer, peer.current, out.nextDatagram(), 0, now, out);
    else this.#wantHandshake(peer, now, out);
  }

  #sendDatagram(to: Endpoint, bytes: Uint8Array, out: Outbox): void {
    if (out.full || bytes.length > this.#arena.udpOut.slotBytes) return;
    this.#arena.bytes.set(bytes, out.nextDatagram());
    out.addDatagram(bytes.length, to);
  }

  #handleRelayed(from: Uint8Array, bytes: Uint8Array, now: number, out: Outbox): void {
    const { udpIn } = this.#arena;
    const peer = this.#peersByKey.get(from.toHex());
    if (peer === undefined) return this.#drop("relay.unknown_peer");
    if (bytes.length > udpIn.slotBytes) return this.#drop("udp.malformed");
    this.#relayedSlot = (this.#relayedSlot + 1) % udpIn.slots;
    const offset = slotOffset(udpIn, this.#relayedSlot);
    this.#arena.bytes.set(bytes, offset);
    this.#receive(offset, bytes.length, undefined, peer, now, out);
  }

  #inject(packet: Uint8Array, now: number, out: Outbox): void {
    if (out.full || packet.length + TRANSPORT_OVERHEAD > this.#arena.udpOut.slotBytes) {
      return this.#drop("tun.malformed");
    }
    const offset = out.nextDatagram() + TRANSPORT_HEADER_BYTES;
    this.#arena.bytes.set(packet, offset);
    this.handleTunPacket(offset, packet.length, now, out);
  }

  #sendContent(peer: DataPeer, offset: number, length: number, now: number, out: Outbox): void {
    const session = peer.current;
    const older = peer.queue.length > 0;
    if (older || session === undefined || !session.maySend(now)) {
      this.#enqueue(peer, this.#arena.bytes.slice(offset, offset + length), now);
      // What an earlier flush had no room for goes first.
      if (!older || !this.#flush(peer, now, out)) this.#wantHandshake(peer, now, out);
      return;
    }
    this.#seal(peer, session, offset, length, now, out);
    if (isDue(session, now)) this.#wantHandshake(peer, now, out);
  }

  #enqueue(peer: DataPeer, packet: Uint8Array, now: number): void {
    this.#drop("tun.queue_full", peer.queue.push(packet, now));
    this.#meter.queued(peer.index, peer.queue.length);
  }

  /** Sends what waits, as far as the outbox has room. False when nothing was sent. */
  #flush(peer: DataPeer, now: number, out: Outbox): boolean {
    let sent = false;
    while (!out.full && peer.queue.length > 0 && peer.current?.maySend(now)) {
      const { bytes, queuedAt } = peer.queue.shift()!;
      if (now - queuedAt > REKEY_ATTEMPT_MS) {
        this.#drop("tun.no_session");
        continue;
      }
      const offset = out.nextDatagram() + TRANSPORT_HEADER_BYTES;
      this.#arena.bytes.set(bytes, offset);
      this.#seal(peer, peer.current, offset, bytes.length, now, out);
      sent = true;
    }
    this.#meter.queued(peer.index, peer.queue.length);
    return sent;
  }

  /** Builds a transport packet (5.4.6) in the outbox's next slot and hands it to the peer's path. */
  #seal(peer: DataPeer, session: Session, offset: number, length: number, now: number, out: Outbox): void {
    const { view, bytes, mtuBytes } = this.#arena;
    if (peer.path.via === "none") return this.#drop("tun.no_path");
    const at = out.nextDatagram();
    const padded = Math.max(length, Math.min((length + 15) & ~15, mtuBytes));
    if (padded > length) bytes.fill(0, offset + length, offset + padded);
    const counter = session.sendCounter++;
    session.sendKey.seal(counter, offset, padded, at + TRANSPORT_HEADER_BYTES);
    view.setUint32(at, MessageType.transport, true);
    view.setUint32(at + Transport.receiver, session.remoteIndex, true);
    view.setUint32(at + Transport.counter, counter >>> 0, true);
    view.setUint32(at + Transport.counter + 4, Math.floor(counter / 2 ** 32), true);
    const total = TRANSPORT_HEADER_BYTES + padded + TAG_BYTES;
    this.#meter.sent(peer.index, total, length > 0, counter, now, out);
    if (peer.path.via === "udp") out.addDatagram(total, peer.path.endpoint);
    else out.events.push({ type: "relay.send", peer: peer.index, bytes: bytes.slice(at, at + total) });
  }

  #wantHandshake(peer: DataPeer, now: number, out: Outbox): void {
    if (now - peer.wantedAt < REKEY_TIMEOUT_MS) return;
    peer.wantedAt = now;
    out.events.push({ type: "handshake.wanted", peer: peer.index });
  }

  /** `source` is undefined for what the relay delivered from `from`. */
  #receive(
    offset: number,
    length: number,
    source: Endpoint | undefined,
    from: DataPeer | undefined,
    now: number,
    out: Outbox,
  ): void {
    const type = messageTypeAt(this.#arena.bytes, offset, length);
    if (type === undefined) return this.#drop("udp.malformed");
    if (type === MessageType.transport) return this.#handleTransport(offset, length, source, from, now, out);
    out.events.push({
      type: "handshake.received",
      source: source === undefined ? RELAY : { via: "udp", endpoint: source },
      relayKey: from?.publicKey,
      bytes: this.#arena.bytes.slice(offset, offset + length),
    });
  }

  #handleTransport(
    offset: number,
    length: number,
    source: Endpoint | undefined,
    from: DataPeer | undefined,
    now: number,
    out: Outbox,
  ): void {
    const { view } = this.#arena;
    const session = this.#sessions.get(view.getUint32(offset + Transport.receiver, true));
    if (session === undefined) return this.#drop("udp.unknown_index");
    if (from !== undefined && from.index !== session.peer) return this.#drop("udp.unknown_index");
    const counter = view.getUint32(offset + Transport.counter, true) +
      view.getUint32(offset + Transport.counter + 4, true) * 2 ** 32;
    if (session.isExpired(now) || counter >= REJECT_AFTER_MESSAGES) return this.#drop("udp.expired");
    if (!session.replay.accepts(counter)) return this.#drop("udp.replayed");
    const inner = offset + TRANSPORT_HEADER_BYTES;
    const sealed = length - TRANSPORT_HEADER_BYTES;
    if (!session.receiveKey.open(counter, inner, sealed, inner)) return this.#drop("udp.forged");
    const newest = counter > session.replay.highest;
    session.replay.mark(counter);
    const peer = this.#peers[session.peer]!;
    this.#meter.received(peer.index, length, sealed > TAG_BYTES, now, out);
    this.#handleAuthentic(peer, session, newest, source, now, out);
    if (sealed > TAG_BYTES) this.#deliver(peer, inner, sealed - TAG_BYTES, source === undefined, out);
  }

  /** What any authentic packet does beyond its content: it may move the path, confirm a session or call for a new one. */
  #handleAuthentic(
    peer: DataPeer,
    session: Session,
    newest: boolean,
    source: Endpoint | undefined,
    now: number,
    out: Outbox,
  ): void {
    const waiting = peer.isWaiting(session);
    if (newest && (waiting || session === peer.current)) this.#learnPath(peer, source, now, out);
    if (source !== undefined) peer.udpReceivedAt = now;
    if (waiting) {
      this.#forget(peer.confirm(session));
      peer.wantedAt = -Infinity;
      out.events.push({ type: "session.confirmed", peer: peer.index, localIndex: session.localIndex });
      this.#flush(peer, now, out);
    } else if (session === peer.current && session.initiator && now - session.createdAt >= REKEY_ON_RECEIVE_MS) {
      this.#wantHandshake(peer, now, out);
    }
  }

  /**
   * Roaming (whitepaper 2.1): the path follows the newest packet of the newest session, so that one that was overtaken
   * moves nothing. The relay does not replace a UDP path that carried something just now: where one end believes in UDP and
   * the other in the relay they would change places for ever, and this way both end on UDP.
   */
  #learnPath(peer: DataPeer, source: Endpoint | undefined, now: number, out: Outbox): void {
    const { path } = peer;
    if (source === undefined) {
      if (path.via === "relay" || (path.via === "udp" && now - peer.udpReceivedAt < UDP_PREFERRED_MS)) return;
      peer.path = RELAY;
    } else {
      if (path.via === "udp" && isSameEndpoint(path.endpoint, source)) return;
      peer.path = { via: "udp", endpoint: source };
    }
    out.events.push({ type: "path.learned", peer: peer.index, path: peer.path });
  }

  #deliver(peer: DataPeer, offset: number, length: number, relayed: boolean, out: Outbox): void {
    const { bytes, view } = this.#arena;
    const version = ipVersion(bytes, offset, length);
    const own = version === 0 ? 0 : innerLength(view, version, offset, length);
    if (version === 0 || own === 0) return this.#drop("udp.malformed_inner");
    const owner = version === 4
      ? this.#allowedIps.find(bytes, offset + IPV4_SOURCE, 4)
      : this.#allowedIps.find(bytes, offset + IPV6_SOURCE, 16);
    if (owner !== peer.index) return this.#drop("udp.source_not_allowed");
    const sequence = version === 4 ? echoReplySequence(view, offset, own, ECHO_ID) : undefined;
    if (sequence !== undefined) {
      out.events.push({ type: "echo.received", peer: peer.index, sequence, via: relayed ? "relay" : "udp" });
    }
    out.addPacket(offset, own);
  }

  #drop(reason: DropReason, count = 1): void {
    this.#drops[DROP_INDEX[reason]]! += count;
  }
}

const RELAY: Path & { via: "relay" } = { via: "relay" };
const TRANSPORT_OVERHEAD = TRANSPORT_HEADER_BYTES + TAG_BYTES + 15;
/** While a UDP path carried an authentic packet this recently, a packet over the relay does not replace it. */
const UDP_PREFERRED_MS = 3_000;
const DROP_INDEX = Object.fromEntries(dropReasons.map((reason, at) => [reason, at])) as Record<DropReason, number>;

/** True when the initiator has to ask for new keys on sending (6.2). */
function isDue(session: Session, now: number): boolean {
  if (session.sendCounter >= REKEY_AFTER_MESSAGES) return true;
  return session.initiator && now - session.createdAt >= REKEY_AFTER_MS;
}
