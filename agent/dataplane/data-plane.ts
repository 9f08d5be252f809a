import type { AeadEngine } from "../crypto/engine.ts";
import type { DataArena } from "./arena.ts";
import { type DataPeer, DataPeers } from "./data-peers.ts";
import type { DataCommand, Endpoint, PeerCells, PeerIndex } from "./link.ts";
import type { Outbox } from "./outbox.ts";
import { Receiver } from "./receiver.ts";
import { Sender } from "./sender.ts";
import { createShields, Shields } from "./shields.ts";
import { HandshakeGate } from "./wireguard/handshake-gate.ts";
import { REKEY_AFTER_MS } from "./wireguard/session.ts";

export interface DataPlaneOptions {
  readonly arena: DataArena;
  readonly engine: AeadEngine;
  readonly cells: PeerCells;
  /** One counter for each of `dropReasons`. */
  readonly drops: Uint32Array;
  /** Memory of `createShields`; without any they stay down. */
  readonly shields?: Uint32Array;
  readonly rekeyAfterMs?: number;
  readonly randomBytes: (size: number) => Uint8Array;
  /** False for one that only receives: two that send would use a counter twice. */
  readonly sends?: boolean;
}

/** The longest IP packet of the tunnel at the moment. */
export interface TunnelMtu {
  bytes: number;
}

/**
 * The data thread's pure half: IP packets in, sealed datagrams out, and back. It works in the arena, knows neither sockets
 * nor clocks, and counts what it drops.
 */
export class DataPlane {
  readonly #arena: DataArena;
  readonly #peers: DataPeers;
  readonly #sender: Sender;
  readonly #receiver: Receiver;
  readonly #sends: boolean;
  readonly #mtu: TunnelMtu;
  readonly #randomBytes: (size: number) => Uint8Array;

  constructor(
    {
      arena,
      engine,
      cells,
      drops,
      randomBytes,
      shields = createShields(),
      rekeyAfterMs = REKEY_AFTER_MS,
      sends = true,
    }: DataPlaneOptions,
  ) {
    this.#randomBytes = randomBytes;
    this.#arena = arena;
    this.#sends = sends;
    this.#peers = new DataPeers({ engine, cells, drops, shields: new Shields(shields) });
    this.#mtu = { bytes: arena.mtuBytes };
    this.#sender = new Sender(arena, this.#peers, this.#mtu, rekeyAfterMs);
    this.#receiver = new Receiver(arena, this.#peers, this.#mtu, (peer, now, out) => this.#flush(peer, now, out));
  }

  apply(command: DataCommand, now: number, out: Outbox): void {
    switch (command.type) {
      case "identity.set":
        return this.#receiver.setGate(this.#createGate(command.publicKey));
      case "peer.set":
        return this.#peers.set(command);
      case "peer.remove":
        return this.#with(command.peer, (peer) => this.#peers.remove(peer));
      case "path.set":
        return this.#with(command.peer, (peer) => void (peer.path = command.path));
      case "session.install":
        return this.#with(command.peer, (peer) => this.#install(peer, command, now, out));
      case "session.promote":
        return this.#with(command.peer, (peer) => this.#promote(peer, command.localIndex, now, out));
      case "sessions.drop":
        return this.#with(command.peer, (peer) => this.#peers.dropSessions(peer));
      case "keepalive.send":
        return this.#with(command.peer, (peer) => this.#sender.sendKeepalive(peer, now, out));
      case "datagram.send":
        if (command.bytes.length > this.#arena.udpOut.slotBytes) return this.#peers.drop("handshake.malformed");
        return out.copyDatagram(command.bytes, command.to);
      case "datagram.receive":
        return this.#receiver.receiveRelayed(command.from, command.bytes, now, out);
      case "packet.inject":
        return this.#sender.inject(command.bytes, now, out);
      case "mtu.set":
        this.#mtu.bytes = Math.min(command.mtuBytes, this.#arena.mtuBytes);
        return;
      case "offloads.set":
      case "stop":
        // The loop's business.
        return;
    }
  }

  handleTunPacket(offset: number, length: number, now: number, out: Outbox): void {
    this.#sender.handleTunPacket(offset, length, now, out);
  }

  /** What a TUN read that puts the kernel's header (`VnetHeader`) before each packet. */
  handleSuperPacket(offset: number, length: number, now: number, out: Outbox): void {
    this.#sender.handleSuperPacket(offset, length, now, out);
  }

  /** `ecn` are the bits of the outer packet. */
  handleDatagram(offset: number, length: number, endpoint: Endpoint, now: number, out: Outbox, ecn = 0): void {
    this.#receiver.handleDatagram(offset, length, endpoint, now, out, ecn);
  }

  #createGate(publicKey: Uint8Array): HandshakeGate {
    const peerEndpoints = () => this.#peers.endpoints();
    return new HandshakeGate({ publicKey, randomBytes: this.#randomBytes, peerEndpoints });
  }

  #install(peer: DataPeer, command: DataCommand & { type: "session.install" }, now: number, out: Outbox): void {
    const session = this.#peers.install(peer, command);
    if (session.initiator && this.#sends) this.#sender.start(peer, session, now, out);
  }

  #promote(peer: DataPeer, localIndex: number, now: number, out: Outbox): void {
    if (peer.next?.localIndex !== localIndex) return;
    this.#peers.promote(peer, peer.next);
    this.#flush(peer, now, out);
  }

  #flush(peer: DataPeer, now: number, out: Outbox): void {
    if (this.#sends) this.#sender.flush(peer, now, out);
  }

  #with(index: PeerIndex, work: (peer: DataPeer) => void): void {
    const peer = this.#peers.byIndex(index);
    if (peer !== undefined) work(peer);
  }
}
