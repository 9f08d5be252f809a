import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { nobleEngine } from "../../../agent/crypto/engines/noble.ts";
import { selectX25519 } from "../../../agent/crypto/select-x25519.ts";
import { createArena } from "../../../agent/dataplane/arena.ts";
import { DataPlane } from "../../../agent/dataplane/data-plane.ts";
import { CELLS_PER_PEER, type DataEvent, dropReasons, type Endpoint } from "../../../agent/dataplane/link.ts";
import { Outbox } from "../../../agent/dataplane/outbox.ts";
import { WireGuardDevice } from "../../../agent/dataplane/wireguard/device.ts";
import { createControlOutbox } from "../../../agent/dataplane/wireguard/outbox.ts";

const x25519 = selectX25519(() => performance.now());

/** One agent without a kernel: both halves of its data plane, joined by hand. */
class Host {
  readonly arena = createArena(1420);
  readonly cells = new Float64Array(16 * CELLS_PER_PEER);
  readonly drops = new Uint32Array(dropReasons.length);
  readonly plane = new DataPlane({ ...this, engine: nobleEngine(this.arena) });
  readonly device: WireGuardDevice;
  readonly received: Uint8Array[] = [];
  readonly out = new Outbox(this.arena);
  readonly control = createControlOutbox();
  readonly endpoint: Endpoint;
  peer!: Host;
  now = 1000;
  udpWorks = true;

  constructor(last: number) {
    const address = new Uint8Array([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 0, 0, last]);
    this.endpoint = { address, port: 41641 };
    this.device = new WireGuardDevice({
      privateKey: new Uint8Array(randomBytes(32)),
      randomBytes: (size) => new Uint8Array(randomBytes(size)),
      x25519,
      cells: this.cells,
      drops: this.drops,
      timings: { directAttemptMs: 3000, directRetryMs: 60_000 },
      wallClock: () => this.now,
    });
  }

  send(packet: Uint8Array): void {
    this.plane.apply({ type: "packet.inject", bytes: packet }, this.now, this.out);
    this.drain();
  }

  tick(): void {
    this.now += 1000;
    this.device.handleTimeout(this.now, this.control);
    this.drain();
  }

  drain(): void {
    for (const command of this.control.commands.splice(0)) this.plane.apply(command, this.now, this.out);
    for (const { bytes } of this.control.relay.splice(0)) this.peer.relayed(bytes, this.device.publicKey);
    const { out } = this;
    const events: DataEvent[] = out.events.splice(0);
    const datagrams = Array.from({ length: out.datagramCount }, (_, i) => {
      const at = out.datagramOffsets[i]!;
      return this.arena.bytes.slice(at, at + out.datagramLengths[i]!);
    });
    for (let i = 0; i < out.packetCount; i++) {
      const at = out.packetOffsets[i]!;
      this.received.push(this.arena.bytes.slice(at, at + out.packetLengths[i]!));
    }
    out.clear();
    for (const bytes of datagrams) if (this.udpWorks) this.peer.datagram(bytes, this.endpoint);
    for (const event of events) {
      if (event.type === "relay.send") this.peer.relayed(event.bytes, this.device.publicKey);
      else this.device.handleEvent(event, this.now, this.control);
    }
    if (this.control.commands.length + this.control.relay.length + this.out.events.length > 0) this.drain();
  }

  relayed(bytes: Uint8Array, from: Uint8Array): void {
    this.plane.apply({ type: "datagram.receive", from, bytes }, this.now, this.out);
    this.drain();
  }

  datagram(bytes: Uint8Array, source: Endpoint): void {
    const slot = this.arena.udpIn.offset;
    this.arena.bytes.set(bytes, slot);
    this.plane.handleDatagram(slot, bytes.length, source, this.now, this.out);
    this.drain();
  }
}

function pair(relay: boolean): [Host, Host] {
  const [a, b] = [new Host(1), new Host(2)];
  for (const [self, other, last] of [[a, b, 2], [b, a, 1]] as const) {
    self.peer = other;
    const allowedIps = [{ address: new Uint8Array([100, 64, 0, last]), bits: 32 }];
    const config = { publicKey: other.device.publicKey, allowedIps, endpoints: [other.endpoint], relay };
    self.device.setPeers([config], self.now, self.control);
    self.drain();
  }
  return [a, b];
}

function packetTo(from: number, to: number, size = 60): Uint8Array {
  const packet = new Uint8Array(size);
  packet[0] = 0x45;
  packet[2] = size >> 8;
  packet[3] = size & 0xff;
  packet.set([100, 64, 0, from], 12);
  packet.set([100, 64, 0, to], 16);
  return packet;
}

const path = (host: Host) => [...host.device.peers()][0]!.path.via;

Deno.test("a first packet waits for the handshake over UDP and then arrives, both ways", () => {
  const [a, b] = pair(false);
  a.send(packetTo(1, 2));
  b.send(packetTo(2, 1, 1280));
  assert.deepEqual(b.received, [packetTo(1, 2)]);
  assert.deepEqual(a.received, [packetTo(2, 1, 1280)]);
});

Deno.test("peers that meet over the relay move to a direct path within a few seconds", () => {
  const [a, b] = pair(true);
  a.send(packetTo(1, 2));
  assert.equal(b.received.length, 1);
  for (let second = 0; second < 20; second++) for (const host of [a, b]) host.tick();
  assert.deepEqual([path(a), path(b)], ["udp", "udp"]);
});

Deno.test("peers without UDP between them stay on the relay and lose nothing", () => {
  const [a, b] = pair(true);
  a.udpWorks = b.udpWorks = false;
  for (let second = 0; second < 30; second++) {
    a.send(packetTo(1, 2));
    b.send(packetTo(2, 1));
    for (const host of [a, b]) host.tick();
  }
  assert.deepEqual([a.received.length, b.received.length, path(a), path(b)], [30, 30, "relay", "relay"]);
});

Deno.test("a packet from an address the peer may not use is dropped and counted", () => {
  const [a, b] = pair(false);
  a.send(packetTo(9, 2));
  assert.equal(b.received.length, 0);
  assert.equal(b.drops[dropReasons.indexOf("udp.source_not_allowed")], 1);
});
