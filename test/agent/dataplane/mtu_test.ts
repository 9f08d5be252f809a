import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { nobleEngine } from "../../../agent/crypto/engines/noble.ts";
import { createArena } from "../../../agent/dataplane/arena.ts";
import { DataPlane } from "../../../agent/dataplane/data-plane.ts";
import { CELLS_PER_PEER, type DropReason, dropReasons } from "../../../agent/dataplane/link.ts";
import { Outbox } from "../../../agent/dataplane/outbox.ts";
import { tcpPacket, udpPacket } from "./support/ip-packets.ts";

const NOW = 1_000;
const SYN = 0x02;
const none = new Uint8Array(0);
const endpoint = { address: new Uint8Array(16), port: 1 };

/** One end of a tunnel of 1420 bytes, with a session that both ends have: its first peer has the other address. */
class End {
  readonly #arena = createArena(1420);
  readonly #drops = new Uint32Array(dropReasons.length);
  readonly #out = new Outbox(this.#arena);
  readonly #plane: DataPlane;

  constructor(host: 1 | 2) {
    const arena = this.#arena;
    const cells = new Float64Array(CELLS_PER_PEER);
    this.#plane = new DataPlane({ arena, cells, drops: this.#drops, engine: nobleEngine(arena), randomBytes });
    const address = Uint8Array.of(100, 64, 0, 3 - host);
    this.apply({ type: "peer.set", peer: 0, publicKey: new Uint8Array(32), allowedIps: [{ address, bits: 32 }] });
    this.apply({ type: "path.set", peer: 0, path: { via: "udp", endpoint } });
    const [sendKey, receiveKey] = [new Uint8Array(32).fill(host), new Uint8Array(32).fill(3 - host)];
    const indices = { localIndex: host, remoteIndex: 3 - host };
    const keys = { sendKey, receiveKey };
    this.apply({ type: "session.install", peer: 0, initiator: true, ...indices, ...keys, createdAt: NOW });
  }

  apply(command: Parameters<DataPlane["apply"]>[0]): void {
    this.#plane.apply(command, NOW, this.#out);
    this.#out.clear();
  }

  /** A packet from the TUN: the datagrams it became, and the packets that go back into the TUN. */
  send(packet: Uint8Array): { datagrams: Uint8Array[]; answers: Uint8Array[] } {
    const at = this.#arena.tunIn.offset;
    this.#arena.bytes.set(packet, at);
    this.#plane.handleTunPacket(at, packet.length, NOW, this.#out);
    return this.#drain();
  }

  /** A datagram from the network: the packets it brought. */
  receive(datagram: Uint8Array): Uint8Array[] {
    const at = this.#arena.udpIn.offset;
    this.#arena.bytes.set(datagram, at);
    this.#plane.handleDatagram(at, datagram.length, endpoint, NOW, this.#out);
    return this.#drain().answers;
  }

  counted(reason: DropReason): number {
    return this.#drops[dropReasons.indexOf(reason)]!;
  }

  #drain(): { datagrams: Uint8Array[]; answers: Uint8Array[] } {
    const { datagramCount, datagramOffsets, datagramLengths, packetCount, packetOffsets, packetLengths } = this.#out;
    const slices = (count: number, offsets: Uint32Array, lengths: Uint32Array) =>
      Array.from({ length: count }, (_, at) => this.#arena.bytes.slice(offsets[at], offsets[at]! + lengths[at]!));
    const datagrams = slices(datagramCount, datagramOffsets, datagramLengths);
    const answers = slices(packetCount, packetOffsets, packetLengths);
    this.#out.clear();
    return { datagrams, answers };
  }
}

function syn(segmentBytes: number): Uint8Array {
  const tcpOptions = Uint8Array.of(2, 4, segmentBytes >> 8, segmentBytes & 0xff);
  return tcpPacket({ version: 4, ipOptions: none, id: 1, sequence: 1, port: 1, payload: none, flags: SYN, tcpOptions });
}

function udp(bytes: number): Uint8Array {
  return udpPacket({ version: 4, ipOptions: none, id: 1, port: 1, payload: new Uint8Array(bytes - 28) });
}

Deno.test("a SYN is clamped to the smaller MTU of both ends, whichever that is", () => {
  const across = (near: End, far: End, packet: Uint8Array) => far.receive(near.send(packet).datagrams[0]!)[0]!;
  assert.deepEqual(across(new End(1), new End(2), syn(1460)), syn(1380));
  for (const small of ["near", "far"]) {
    const [near, far] = [new End(1), new End(2)];
    (small === "near" ? near : far).apply({ type: "mtu.set", mtuBytes: 1280 });
    assert.deepEqual(across(near, far, syn(1460)), syn(1240), small);
    assert.deepEqual(across(near, far, syn(1000)), syn(1000), small);
  }
});

Deno.test("a packet longer than the MTU that may not be cut is told to its sender, counted, and goes nowhere", () => {
  const end = new End(1);
  assert.equal(end.send(udp(1420)).datagrams.length, 1);
  const { datagrams, answers } = end.send(udp(1421));
  assert.deepEqual(datagrams, []);
  // ICMP "fragmentation needed", with the MTU where RFC 1191 has it.
  assert.deepEqual([answers[0]![9], answers[0]![20], answers[0]![21]], [1, 3, 4]);
  assert.equal(new DataView(answers[0]!.buffer).getUint16(26), 1420);
  end.apply({ type: "mtu.set", mtuBytes: 1300 });
  assert.equal(new DataView(end.send(udp(1301)).answers[0]!.buffer).getUint16(26), 1300);
  assert.equal(end.counted("tun.too_big"), 2);
});

Deno.test("a packet that may be cut goes as it is while a datagram can hold it", () => {
  const end = new End(1);
  const mayBeCut = (bytes: number) => udp(bytes).with(6, 0) as Uint8Array;
  assert.deepEqual(end.send(mayBeCut(1430)).answers, []);
  assert.equal(end.send(mayBeCut(1430)).datagrams.length, 1);
  assert.deepEqual(end.send(mayBeCut(4000)), { datagrams: [], answers: [] });
  assert.equal(end.counted("tun.too_big"), 1);
});
