import { TAG_BYTES } from "../crypto/engine.ts";
import { type DataArena, slotOffset } from "./arena.ts";
import type { DataPeer, DataPeers } from "./data-peers.ts";
import type { TunnelMtu } from "./data-plane.ts";
import { Cell, cellOffset, ECHO_ID, type Endpoint, type Path, sameEndpoint, type Source } from "./link.ts";
import { combineEcn, ecnOf, setEcn } from "./offload/ecn.ts";
import { clampMss } from "./offload/mss-clamp.ts";
import type { Outbox } from "./outbox.ts";
import type { HandshakeGate } from "./wireguard/handshake-gate.ts";
import { MessageType, messageType, Transport, TRANSPORT_HEADER_BYTES } from "./wireguard/messages.ts";
import {
  KEEPALIVE_TIMEOUT_MS,
  REJECT_AFTER_MESSAGES,
  REJECT_AFTER_MS,
  REKEY_TIMEOUT_MS,
  type Session,
} from "./wireguard/session.ts";

/** A packet by relay does not move a peer off a UDP path that was heard this recently. */
const UDP_HOLD_MS = 5_000;
const RELAY: Path = { via: "relay" };
const NOWHERE: Endpoint = { address: new Uint8Array(16), port: 0 };
const LEAST_TRANSPORT_BYTES = TRANSPORT_HEADER_BYTES + TAG_BYTES;

/** What is done when a session is known to be the other end's as well. */
export type OnPromoted = (peer: DataPeer, now: number, out: Outbox) => void;

/** From the network to the TUN: opens datagrams where they lie and lets through what their sender may send. */
export class Receiver {
  readonly #arena: DataArena;
  readonly #peers: DataPeers;
  readonly #mtu: TunnelMtu;
  readonly #onPromoted: OnPromoted;
  #outerEcn = 0;
  /** Undefined until this machine's key is known. */
  #gate: HandshakeGate | undefined;
  /** Where the datagram at hand came from. */
  readonly #source: { readonly via: "udp"; endpoint: Endpoint } = { via: "udp", endpoint: NOWHERE };

  constructor(arena: DataArena, peers: DataPeers, mtu: TunnelMtu, onPromoted: OnPromoted) {
    this.#arena = arena;
    this.#peers = peers;
    this.#mtu = mtu;
    this.#onPromoted = onPromoted;
  }

  setGate(gate: HandshakeGate): void {
    this.#gate = gate;
  }

  /** `ecn` are the bits of the outer packet. */
  handleDatagram(offset: number, length: number, endpoint: Endpoint, now: number, out: Outbox, ecn = 0): void {
    const source = this.#source;
    source.endpoint = endpoint;
    this.#outerEcn = ecn;
    this.#receive(offset, length, source, undefined, now, out);
  }

  /** A datagram by relay; `from` is the public key of its sender. */
  receiveRelayed(from: Uint8Array, datagram: Uint8Array, now: number, out: Outbox): void {
    const peer = this.#peers.byKey(from);
    if (peer === undefined && datagram[0] === MessageType.transport) return this.#peers.drop("relay.unknown_peer");
    const slot = slotOffset(this.#arena.udpIn, 0);
    if (datagram.length > this.#arena.udpIn.slotBytes) return this.#peers.drop("udp.malformed");
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
    const bytes = this.#arena.bytes.subarray(offset, offset + length);
    const type = messageType(bytes);
    if (type === undefined) return this.#peers.drop("udp.malformed");
    if (this.#gate === undefined) return this.#peers.drop("handshake.unknown_peer");
    if (type !== MessageType.cookieReply) {
      const admission = this.#gate.admit(bytes, source, now);
      if (admission.verdict === "drop") return this.#peers.drop(admission.reason);
      if (admission.verdict === "cookie") {
        if (source.via === "udp") out.copyDatagram(admission.reply, source.endpoint);
        return this.#peers.drop("handshake.under_load");
      }
    }
    out.events.push({ type: "handshake.received", source: { ...source }, relayKey, bytes: bytes.slice() });
  }

  #open(offset: number, length: number, source: Source, now: number, out: Outbox): void {
    const { view } = this.#arena;
    const found = this.#peers.bySession(view.getUint32(offset + Transport.receiver, true));
    if (found === undefined) return this.#peers.drop("udp.unknown_index");
    const { peer, session } = found;
    const high = view.getUint32(offset + Transport.counter + 4, true);
    const counter = high * 2 ** 32 + view.getUint32(offset + Transport.counter, true);
    if (now - session.createdAt >= REJECT_AFTER_MS || counter >= REJECT_AFTER_MESSAGES) {
      return this.#peers.drop("udp.expired");
    }
    if (!session.window.accepts(counter)) return this.#peers.drop("udp.replayed");
    const body = offset + TRANSPORT_HEADER_BYTES;
    const sealed = length - TRANSPORT_HEADER_BYTES;
    if (!session.receiveKey.open(counter, body, sealed, body)) return this.#peers.drop("udp.forged");
    session.window.mark(counter);
    this.#confirm(peer, session, now, out);
    this.#hear(peer, session, source, length, now, out);
    if (sealed > TAG_BYTES) this.#deliver(peer, body, sealed - TAG_BYTES, source, now, out);
  }

  /** The first packet on a responder's new session proves that the initiator has it: whitepaper 6.5. */
  #confirm(peer: DataPeer, session: Session, now: number, out: Outbox): void {
    if (peer.next !== session) return;
    out.events.push({ type: "session.confirmed", peer: peer.index, localIndex: session.localIndex });
    this.#peers.promote(peer, session);
    this.#onPromoted(peer, now, out);
  }

  #hear(peer: DataPeer, session: Session, source: Source, length: number, now: number, out: Outbox): void {
    const cells = this.#peers.cells;
    cells[cellOffset(peer.index, Cell.rxBytes)]! += length;
    cells[cellOffset(peer.index, Cell.rxPackets)]!++;
    cells[cellOffset(peer.index, Cell.lastReceived)] = now;
    cells[cellOffset(peer.index, Cell.unansweredSince)] = 0;
    this.#roam(peer, source, now, out);
    const due = REJECT_AFTER_MS - KEEPALIVE_TIMEOUT_MS - REKEY_TIMEOUT_MS;
    if (session.initiator && session === peer.current && now - session.createdAt >= due) {
      this.#peers.wantHandshake(peer, now, out);
    }
  }

  #roam(peer: DataPeer, source: Source, now: number, out: Outbox): void {
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

  #deliver(peer: DataPeer, offset: number, most: number, source: Source, now: number, out: Outbox): void {
    const { bytes } = this.#arena;
    const version = bytes[offset]! >>> 4;
    const length = innerLength(bytes, offset, most, version);
    if (length === undefined) return this.#peers.drop("udp.malformed_inner");
    const sender = version === 4
      ? this.#peers.routes.find(bytes, offset + 12, 4)
      : this.#peers.routes.find(bytes, offset + 8, 16);
    if (sender !== peer.index) return this.#peers.drop("udp.source_not_allowed");
    this.#peers.cells[cellOffset(peer.index, Cell.lastDataReceived)] = now;
    this.#peers.watch(peer, out);
    if (source.via === "udp" && this.#outerEcn !== 0 && !this.#takeEcn(offset)) {
      return this.#peers.drop("udp.congestion");
    }
    const sequence = echoSequence(bytes, offset, length);
    if (sequence !== undefined) {
      out.events.push({ type: "echo.received", peer: peer.index, sequence, via: source.via });
      return;
    }
    if (this.#peers.shields.up && !this.#peers.shields.admits(bytes, offset, length, now)) {
      return this.#peers.drop("shields.up");
    }
    clampMss(this.#arena, offset, length, this.#mtu.bytes);
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
