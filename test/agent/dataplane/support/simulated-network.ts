import { randomBytes } from "node:crypto";
import { nobleEngine } from "../../../../agent/crypto/engines/noble.ts";
import { selectX25519 } from "../../../../agent/crypto/select-x25519.ts";
import { createArena, type DataArena } from "../../../../agent/dataplane/arena.ts";
import { DataPlane } from "../../../../agent/dataplane/data-plane.ts";
import {
  CELLS_PER_PEER,
  type DataCommand,
  type DataEvent,
  type DropReason,
  dropReasons,
  type Endpoint,
  sameEndpoint,
} from "../../../../agent/dataplane/link.ts";
import { Outbox } from "../../../../agent/dataplane/outbox.ts";
import { createShields } from "../../../../agent/dataplane/shields.ts";
import { WireGuardDevice } from "../../../../agent/dataplane/wireguard/device.ts";
import { createControlOutbox, type PeerConfig } from "../../../../agent/dataplane/wireguard/outbox.ts";

const x25519 = selectX25519(() => performance.now());
const ROWS = 64;
const DIRECT_ATTEMPT_MS = 3_000;
const DIRECT_RETRY_MS = 60_000;

/** What the network does with one datagram. */
export interface Weather {
  /** Of 1. */
  readonly loss: number;
  readonly duplication: number;
  /** Every datagram takes between these; a wide range reorders. Milliseconds. */
  readonly delayMs: readonly [number, number];
}

export const CALM: Weather = { loss: 0, duplication: 0, delayMs: [1, 1] };

/** Hosts and the network between them in simulated time. `random` gives numbers from 0 to 1 and decides the weather. */
export class SimulatedNetwork {
  /** Milliseconds. */
  now = 1_000;
  weather = CALM;
  relayWeather = CALM;
  /** Every datagram that was handed to the network, whatever came of it. */
  readonly seen: Uint8Array[] = [];
  readonly #hosts: SimulatedHost[] = [];
  readonly #random: () => number;
  #deliveries: { at: number; deliver: () => void }[] = [];

  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  addHost(): SimulatedHost {
    const host = new SimulatedHost(this, this.#hosts.length + 1);
    this.#hosts.push(host);
    return host;
  }

  sendDatagram(bytes: Uint8Array, from: Endpoint, to: Endpoint): void {
    this.seen.push(bytes);
    const target = this.#hosts.find(({ endpoint }) => sameEndpoint(endpoint, to));
    if (target !== undefined) this.#carry(this.weather, () => target.receiveDatagram(bytes, from));
  }

  sendRelayed(bytes: Uint8Array, from: Uint8Array, to: Uint8Array): void {
    const target = this.#hosts.find(({ device }) => device.publicKey.toHex() === to.toHex());
    if (target !== undefined) this.#carry(this.relayWeather, () => target.receiveRelayed(bytes, from));
  }

  /** Lets time pass until nothing happens before `now + ms`. */
  run(ms: number): void {
    const end = this.now + ms;
    for (;;) {
      const next = Math.min(...this.#hosts.map((host) => host.device.nextTimeout() ?? Infinity), this.#nextDelivery());
      if (next > end) break;
      this.now = Math.max(this.now, next);
      const due = this.#deliveries.filter(({ at }) => at <= this.now).sort((a, b) => a.at - b.at);
      this.#deliveries = this.#deliveries.filter(({ at }) => at > this.now);
      for (const { deliver } of due) deliver();
      for (const host of this.#hosts) host.tick();
    }
    this.now = end;
  }

  #nextDelivery(): number {
    return this.#deliveries.reduce((least, { at }) => Math.min(least, at), Infinity);
  }

  #carry({ loss, duplication, delayMs: [least, most] }: Weather, deliver: () => void): void {
    if (this.#random() < loss) return;
    const copies = this.#random() < duplication ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      this.#deliveries.push({ at: this.now + least + this.#random() * (most - least), deliver });
    }
  }
}

/** One agent without a kernel: both halves of its data plane, joined by hand. */
export class SimulatedHost {
  readonly arena: DataArena = createArena(1420);
  readonly cells = new Float64Array(ROWS * CELLS_PER_PEER);
  readonly drops = new Uint32Array(dropReasons.length);
  readonly shields = createShields();
  readonly device: WireGuardDevice;
  /** Last byte of its addresses. */
  readonly number: number;
  /** IP packets its kernel got. */
  readonly received: Uint8Array[] = [];
  readonly events: string[] = [];
  endpoint: Endpoint;
  readonly #network: SimulatedNetwork;
  readonly #plane: DataPlane;
  readonly #out = new Outbox(this.arena);
  readonly #control = createControlOutbox();

  constructor(network: SimulatedNetwork, number: number) {
    this.#network = network;
    this.number = number;
    this.endpoint = endpointOf(10, number);
    const { arena, cells, drops, shields } = this;
    this.#plane = new DataPlane({ arena, cells, drops, shields, engine: nobleEngine(arena), randomBytes: random });
    this.device = new WireGuardDevice({
      privateKey: random(32),
      randomBytes: random,
      x25519,
      cells,
      drops,
      timings: { directAttemptMs: DIRECT_ATTEMPT_MS, directRetryMs: DIRECT_RETRY_MS },
      wallClock: () => network.now,
    });
  }

  get path(): string {
    return [...this.device.peers()][0]!.path.via;
  }

  /** Knows these hosts from now on, each by its own address. */
  meet(others: readonly SimulatedHost[], more: Partial<PeerConfig> = {}): void {
    const configs = others.map(({ device, endpoint, number }): PeerConfig => ({
      publicKey: device.publicKey,
      allowedIps: [{ address: new Uint8Array([100, 64, 0, number]), bits: 32 }],
      endpoints: [endpoint],
      relay: false,
      ...more,
    }));
    this.device.setPeers(configs, this.#network.now, this.#control);
    this.#drain();
  }

  /** As after a new start: the keys are the same, the sessions are lost. */
  restart(others: readonly SimulatedHost[]): void {
    this.meet([]);
    this.meet(others);
  }

  /** Hears that the other is there again. */
  hearOfReturn({ device: { publicKey } }: SimulatedHost): void {
    this.device.renewSession(publicKey, this.#network.now, this.#control);
    this.#drain();
  }

  send(packet: Uint8Array): void {
    this.#apply({ type: "packet.inject", bytes: packet });
    this.#drain();
  }

  tick(): void {
    this.device.handleTimeout(this.#network.now, this.#control);
    this.#drain();
  }

  receiveDatagram(bytes: Uint8Array, source: Endpoint): void {
    const slot = this.arena.udpIn.offset;
    this.arena.bytes.set(bytes, slot);
    this.#plane.handleDatagram(slot, bytes.length, source, this.#network.now, this.#out);
    this.#drain();
  }

  receiveRelayed(bytes: Uint8Array, from: Uint8Array): void {
    this.#apply({ type: "datagram.receive", from, bytes });
    this.#drain();
  }

  /** Drops counted so far, without the reasons that have none. */
  counted(): Partial<Record<DropReason, number>> {
    return Object.fromEntries(dropReasons.map((reason, at) => [reason, this.drops[at]!]).filter(([, count]) => count));
  }

  #apply(command: DataCommand): void {
    this.#plane.apply(command, this.#network.now, this.#out);
  }

  #drain(): void {
    const control = this.#control;
    const out = this.#out;
    do {
      for (const command of control.commands.splice(0)) this.#apply(command);
      for (const { bytes, publicKey } of control.relay.splice(0)) this.#relay(bytes, publicKey);
      for (const { type } of control.events.splice(0)) this.events.push(type);
      const events = out.events.splice(0);
      this.#takePackets();
      for (const event of events) this.#handle(event);
    } while (control.commands.length + control.relay.length + control.events.length + out.events.length > 0);
    this.#takePackets();
  }

  #takePackets(): void {
    const { arena: { bytes } } = this;
    const out = this.#out;
    for (let at = 0; at < out.datagramCount; at++) {
      const start = out.datagramOffsets[at]!;
      const datagram = bytes.slice(start, start + out.datagramLengths[at]!);
      this.#network.sendDatagram(datagram, this.endpoint, out.datagramTargets[at]!);
    }
    for (let at = 0; at < out.packetCount; at++) {
      const start = out.packetOffsets[at]!;
      this.received.push(bytes.slice(start, start + out.packetLengths[at]!));
    }
    out.clear();
  }

  #handle(event: DataEvent): void {
    if (event.type !== "relay.send") return this.device.handleEvent(event, this.#network.now, this.#control);
    const state = [...this.device.peers()].find(({ peer }) => peer === event.peer)!;
    this.#relay(event.bytes, state.publicKey);
  }

  #relay(bytes: Uint8Array, to: Uint8Array): void {
    this.#network.sendRelayed(bytes, this.device.publicKey, to);
  }
}

/** Two hosts that know each other. */
export function hostPair(network: SimulatedNetwork, more: Partial<PeerConfig> = {}): [SimulatedHost, SimulatedHost] {
  const [a, b] = [network.addHost(), network.addHost()];
  a.meet([b], more);
  b.meet([a], more);
  return [a, b];
}

function random(size: number): Uint8Array {
  return new Uint8Array(randomBytes(size));
}

export function endpointOf(network: number, last: number, port = 41641): Endpoint {
  return { address: new Uint8Array([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, network, 0, 0, last]), port };
}

/** An IPv4 packet between two hosts; its last four bytes are `tag`. */
export function packetBetween(from: number, to: number, size = 60, tag = 0): Uint8Array {
  const packet = new Uint8Array(size);
  packet[0] = 0x45;
  packet[2] = size >> 8;
  packet[3] = size & 0xff;
  packet.set([100, 64, 0, from], 12);
  packet.set([100, 64, 0, to], 16);
  new DataView(packet.buffer).setUint32(size - 4, tag);
  return packet;
}

export function tagOf(packet: Uint8Array): number {
  return new DataView(packet.buffer, packet.byteOffset).getUint32(packet.length - 4);
}
