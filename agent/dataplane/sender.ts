import { TAG_BYTES } from "../crypto/engine.ts";
import type { DataArena } from "./arena.ts";
import type { DataPeer, DataPeers } from "./data-peers.ts";
import type { TunnelMtu } from "./data-plane.ts";
import { Cell, cellOffset } from "./link.ts";
import { ecnOf } from "./offload/ecn.ts";
import { clampMss } from "./offload/mss-clamp.ts";
import { SuperPacket } from "./offload/split.ts";
import { Outbox } from "./outbox.ts";
import { TooBig } from "./too-big.ts";
import { MessageType, Transport, TRANSPORT_HEADER_BYTES } from "./wireguard/messages.ts";
import { mayStillBeUsed, REKEY_AFTER_MESSAGES, type Session } from "./wireguard/session.ts";

const QUEUE_PACKETS = 64;
const EMPTY = new Uint8Array(0);

/** From the TUN to the network: finds the peer of each packet and seals it. Only one of these may use a session's counter. */
export class Sender {
  readonly #arena: DataArena;
  readonly #peers: DataPeers;
  readonly #mtu: TunnelMtu;
  readonly #rekeyAfterMs: number;
  readonly #superPacket: SuperPacket;
  readonly #tooBig: TooBig;

  constructor(arena: DataArena, peers: DataPeers, mtu: TunnelMtu, rekeyAfterMs: number) {
    this.#arena = arena;
    this.#peers = peers;
    this.#mtu = mtu;
    this.#rekeyAfterMs = rekeyAfterMs;
    this.#superPacket = new SuperPacket(arena);
    this.#tooBig = new TooBig(arena);
  }

  handleTunPacket(offset: number, length: number, now: number, out: Outbox): void {
    const { bytes } = this.#arena;
    const peer = this.#peerFor(bytes, offset, length, now);
    if (peer === undefined || this.#refuse(offset, length, now, out)) return;
    clampMss(this.#arena, offset, length, this.#mtu.bytes);
    this.#peers.watch(peer, out);
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
    if (!packet.read(offset, length) || packet.segments > Outbox.mostSegments) return this.#peers.drop("tun.malformed");
    if (packet.segments === 1) return this.handleTunPacket(packet.offset, packet.length, now, out);
    const { bytes } = this.#arena;
    const peer = this.#peerFor(bytes, packet.offset, packet.length, now);
    if (peer === undefined) return;
    if (packet.segmentBytes(0) > this.#mtu.bytes && this.#tooBig.mayNotBeCut(packet.offset)) {
      return void this.#refuse(packet.takeSegment(0), packet.segmentBytes(0), now, out);
    }
    this.#peers.watch(peer, out);
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

  /** A packet that lies elsewhere, handled as if the TUN had given it. */
  inject(packet: Uint8Array, now: number, out: Outbox): void {
    const peer = this.#peerFor(packet, 0, packet.length, now);
    if (peer === undefined) return;
    this.#peers.watch(peer, out);
    const session = peer.current;
    if (session === undefined || !mayStillBeUsed(session, now)) return this.#enqueue(peer, packet.slice(), now, out);
    this.#send(peer, session, packet, now, out);
    this.#renew(peer, session, now, out);
  }

  /** Sends what waited for this session; the other end may use it only after our first packet, be it an empty one. */
  start(peer: DataPeer, session: Session, now: number, out: Outbox): void {
    if (peer.queue.length === 0) this.#send(peer, session, EMPTY, now, out);
    this.flush(peer, now, out);
  }

  flush(peer: DataPeer, now: number, out: Outbox): void {
    if (peer.current === undefined) return;
    for (const packet of peer.queue.splice(0)) this.#send(peer, peer.current, packet, now, out);
  }

  sendKeepalive(peer: DataPeer, now: number, out: Outbox): void {
    if (peer.current !== undefined && mayStillBeUsed(peer.current, now)) {
      this.#send(peer, peer.current, EMPTY, now, out);
    }
  }

  /** The peer whose allowed IPs hold the packet's destination; counts a packet that has none. */
  #peerFor(bytes: Uint8Array, at: number, length: number, now: number): DataPeer | undefined {
    const version = length < 20 ? 0 : bytes[at]! >>> 4;
    const index = version === 4
      ? this.#peers.routes.find(bytes, at + 16, 4)
      : version === 6 && length >= 40
      ? this.#peers.routes.find(bytes, at + 24, 16)
      : undefined;
    const peer = index === undefined ? undefined : this.#peers.byIndex(index);
    if (peer === undefined) this.#peers.drop(version === 4 || version === 6 ? "tun.no_route" : "tun.malformed");
    else if (this.#peers.shields.up) this.#peers.shields.note(bytes, at, length, now);
    return peer;
  }

  /** True for a packet that is too long and may not be cut: its sender is told instead. */
  #refuse(packet: number, length: number, now: number, out: Outbox): boolean {
    if (length <= this.#mtu.bytes || !this.#tooBig.mayNotBeCut(packet)) return false;
    this.#peers.drop("tun.too_big");
    const answer = this.#tooBig.answer(packet, length, this.#mtu.bytes, now);
    if (answer > 0) out.addPacket(packet, answer);
    return true;
  }

  /** Whitepaper 6.2: the initiator asks for a new session early enough. */
  #renew(peer: DataPeer, session: Session, now: number, out: Outbox): void {
    const old = session.initiator && now - session.createdAt >= this.#rekeyAfterMs;
    if (old || session.sendCounter >= REKEY_AFTER_MESSAGES) this.#peers.wantHandshake(peer, now, out);
  }

  /** Keeps a packet (a copy of its own) until there is a session. */
  #enqueue(peer: DataPeer, packet: Uint8Array, now: number, out: Outbox): void {
    if (peer.queue.length >= QUEUE_PACKETS) {
      peer.queue.shift();
      this.#peers.drop("tun.queue_full");
    }
    peer.queue.push(packet);
    const waiting = cellOffset(peer.index, Cell.unansweredSince);
    if (this.#peers.cells[waiting] === 0) this.#peers.cells[waiting] = now;
    this.#peers.wantHandshake(peer, now, out);
  }

  #send(peer: DataPeer, session: Session, packet: Uint8Array, now: number, out: Outbox): void {
    if (packet.length > this.#mostContent) return this.#peers.drop("tun.too_big");
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
  #seal(peer: DataPeer, session: Session, source: number, content: number, now: number, out: Outbox): void {
    const { bytes, view } = this.#arena;
    if (content > this.#mostContent) return this.#peers.drop("tun.too_big");
    if (peer.path.via === "none") return this.#peers.drop("tun.no_path");
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

  #countSent({ index }: DataPeer, length: number, content: boolean, now: number): void {
    const cells = this.#peers.cells;
    cells[cellOffset(index, Cell.txBytes)]! += length;
    cells[cellOffset(index, Cell.txPackets)]!++;
    cells[cellOffset(index, Cell.lastSent)] = now;
    if (!content) return;
    cells[cellOffset(index, Cell.lastDataSent)] = now;
    const waiting = cellOffset(index, Cell.unansweredSince);
    if (cells[waiting] === 0) cells[waiting] = now;
  }
}
