import type { DataArena } from "../dataplane/arena.ts";
import { slotOffset } from "../dataplane/arena.ts";
import {
  type DataCommand,
  type DataEvent,
  type DropReason,
  dropReasons,
  type Endpoint,
  type IoCell,
  ioCells,
} from "../dataplane/link.ts";
import { Coalescer } from "../dataplane/offload/coalesce.ts";
import type { Outbox } from "../dataplane/outbox.ts";
import type { DatagramBatch, Datagrams } from "../net/udp-linux.ts";
import type { PacketBatch, TunDevice } from "../tun/device.ts";
import type { RingReader, RingWriter } from "./ring-ends.ts";

/** The pure half of the data thread. */
export interface Plane {
  apply(command: DataCommand, now: number, out: Outbox): void;
  handleTunPacket(offset: number, length: number, now: number, out: Outbox): void;
  handleSuperPacket(offset: number, length: number, now: number, out: Outbox): void;
  handleDatagram(offset: number, length: number, source: Endpoint, now: number, out: Outbox, ecn?: number): void;
}

export interface Udp {
  readonly fault: number;
  readonly refused: number;
  readonly messages: number;
  readonly offloads: { readonly segment: boolean; readonly gro: boolean };
  readonly batch: DatagramBatch;
  receive(): boolean;
  send(out: Datagrams): boolean;
  setOffloads(enabled: boolean): void;
}

/** Waits until the TUN, the socket or the control thread has something. */
export interface Sleeper {
  sleep(timeoutMs: number): void;
}

export interface DataLoopParts {
  readonly arena: DataArena;
  readonly plane: Plane;
  readonly out: Outbox;
  readonly tun: TunDevice;
  readonly udp: Udp;
  readonly commands: RingReader<DataCommand>;
  readonly events: RingWriter<DataEvent>;
  /** Wakes the control thread. */
  notify(): void;
  readonly sleeper: Sleeper;
  readonly drops: Uint32Array;
  /** One number for each of `ioCells`. */
  readonly io: Float64Array;
  /** True when the control thread wants the loop to end. */
  stopped(): boolean;
  /** Milliseconds of the control thread's clock. */
  now(): number;
}

export type Fault = DataEvent & { readonly type: "fault" };

/**
 * The blocking loop of the data thread: first what the control thread wants, then what the TUN has goes out in one batch
 * and what the socket has goes in; it sleeps only when a whole round found nothing.
 */
export class DataLoop {
  readonly #parts: DataLoopParts;
  readonly #tunIn: PacketBatch;
  readonly #tunOut: PacketBatch;
  readonly #coalescer: Coalescer;
  /** What an earlier thread had counted. */
  readonly #before: { tunRefused: number; udpRefused: number; full: number; messages: number };
  #stopping = false;

  constructor(parts: DataLoopParts) {
    const { tunIn } = parts.arena;
    this.#parts = parts;
    this.#tunIn = {
      count: 0,
      offsets: Uint32Array.from({ length: tunIn.slots }, (_, slot) => slotOffset(tunIn, slot)),
      lengths: new Uint32Array(tunIn.slots),
    };
    const { packetOffsets, packetLengths, packetJoined } = parts.out;
    this.#tunOut = { count: 0, offsets: packetOffsets, lengths: packetLengths, joined: packetJoined };
    this.#coalescer = new Coalescer(parts.arena);
    const { drops, io } = parts;
    this.#before = {
      tunRefused: drops[TUN_REFUSED]!,
      udpRefused: drops[UDP_REFUSED]!,
      full: drops[LINK_FULL]!,
      messages: io[UDP_SENT_MESSAGES]!,
    };
    this.#count();
  }

  /** Runs until it is stopped or the TUN or the socket is gone; then returns what failed. */
  run(): Fault | undefined {
    const { tun, udp, events, sleeper } = this.#parts;
    while (!this.#stopping && !this.#parts.stopped()) {
      const now = this.#parts.now();
      const busy = this.#fromControl(now) + this.#fromTun(now) + this.#fromUdp(now);
      if (tun.fault !== 0) return fault("tun", tun.fault, `The interface ${tun.name} is gone.`);
      if (udp.fault !== 0) return fault("udp", udp.fault, "The UDP socket failed.");
      if (events.blocked) this.#publish();
      if (busy === 0) sleeper.sleep(events.blocked ? BLOCKED_MS : IDLE_MS);
    }
    return undefined;
  }

  #fromTun(now: number): number {
    const { tun, plane, out, arena } = this.#parts;
    const batch = this.#tunIn;
    batch.lengths.fill(arena.tunIn.slotBytes);
    tun.read(batch);
    for (let at = 0; at < batch.count; at++) {
      if (tun.vnet) plane.handleSuperPacket(batch.offsets[at]!, batch.lengths[at]!, now, out);
      else plane.handleTunPacket(batch.offsets[at]!, batch.lengths[at]!, now, out);
      if (out.full) this.#drain();
    }
    this.#parts.io[TUN_READ]! += batch.count;
    if (batch.count > 0) this.#drain();
    return batch.count;
  }

  #fromUdp(now: number): number {
    const { udp, plane, out, io } = this.#parts;
    const { batch } = udp;
    udp.receive();
    for (let at = 0; at < batch.count; at++) {
      const end = batch.offsets[at]! + batch.lengths[at]!;
      const step = batch.segments[at]! || batch.lengths[at]! || 1;
      let offset = batch.offsets[at]!;
      do {
        plane.handleDatagram(offset, Math.min(step, end - offset), batch.sources[at]!, now, out, batch.ecn[at]);
        if (out.full) this.#drain();
        offset += step;
        io[UDP_RECEIVED]!++;
      } while (offset < end);
    }
    io[UDP_RECEIVED_MESSAGES]! += batch.count;
    if (batch.count > 0) this.#drain();
    return batch.count;
  }

  #fromControl(now: number): number {
    const { commands, plane, out } = this.#parts;
    let count = 0;
    for (; count < COMMANDS_PER_ROUND; count++) {
      const command = commands.shift();
      if (command === undefined) break;
      if (command.type === "stop") this.#stopping = true;
      else if (command.type === "offloads.set") this.#setOffloads(command.enabled);
      else plane.apply(command, now, out);
      // A relayed packet may lie in a place that the next command uses again.
      if (out.packetCount > 0 || out.full) this.#drain();
    }
    if (count > 0) this.#drain();
    return count;
  }

  #setOffloads(enabled: boolean): void {
    this.#parts.tun.setOffloads(enabled);
    this.#parts.udp.setOffloads(enabled);
    this.#count();
  }

  #drain(): void {
    const { out, udp, tun, events, io } = this.#parts;
    io[UDP_SENT]! += out.datagramCount;
    if (out.datagramCount > 0) udp.send(out);
    if (out.packetCount > 0) {
      const joined = tun.vnet ? this.#coalescer.coalesce(out, tun.offloads.join) : 0;
      io[TUN_WRITTEN]! += out.packetCount - joined;
      io[TUN_JOINED]! += joined;
      this.#tunOut.count = out.packetCount;
      tun.write(this.#tunOut);
    }
    if (out.events.length > 0) {
      for (const event of out.events) events.push(event);
      this.#publish();
    }
    out.clear();
    this.#count();
  }

  #publish(): void {
    const { events, notify } = this.#parts;
    events.flush();
    notify();
  }

  /** The adapters and the ring count what they lost; people read it in one place. */
  #count(): void {
    const { tun, udp, events, drops, io } = this.#parts;
    const before = this.#before;
    drops[TUN_REFUSED] = before.tunRefused + tun.refused;
    drops[UDP_REFUSED] = before.udpRefused + udp.refused;
    drops[LINK_FULL] = before.full + events.dropped;
    io[UDP_SENT_MESSAGES] = before.messages + udp.messages;
    io[OFFLOAD_TSO] = Number(tun.offloads.tso);
    io[OFFLOAD_TSO + 1] = Number(tun.offloads.uso);
    io[OFFLOAD_TSO + 2] = Number(tun.offloads.join);
    io[OFFLOAD_TSO + 3] = Number(udp.offloads.segment);
    io[OFFLOAD_TSO + 4] = Number(udp.offloads.gro);
  }
}

const COMMANDS_PER_ROUND = 256;
/** The control thread wakes the loop; this only bounds how long a process that dies otherwise is held up. */
const IDLE_MS = 500;
const BLOCKED_MS = 2;
const TUN_REFUSED = indexOf("tun.refused");
const UDP_REFUSED = indexOf("udp.refused");
const LINK_FULL = indexOf("link.full");
const TUN_READ = ioIndex("tun.read");
const TUN_WRITTEN = ioIndex("tun.written");
const TUN_JOINED = ioIndex("tun.joined");
const UDP_SENT = ioIndex("udp.sent");
const UDP_SENT_MESSAGES = ioIndex("udp.sent_messages");
const UDP_RECEIVED = ioIndex("udp.received");
const UDP_RECEIVED_MESSAGES = ioIndex("udp.received_messages");
/** The first of five in their order. */
const OFFLOAD_TSO = ioIndex("offload.tun_tso");

function indexOf(reason: DropReason): number {
  return dropReasons.indexOf(reason);
}

function ioIndex(cell: IoCell): number {
  return ioCells.indexOf(cell);
}

function fault(where: Fault["where"], errno: number, message: string): Fault {
  return { type: "fault", where, errno, message };
}
