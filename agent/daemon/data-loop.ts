import type { DataArena } from "../dataplane/arena.ts";
import { slotOffset } from "../dataplane/arena.ts";
import {
  type DataCommand,
  type DataEvent,
  type DropReason,
  dropReasons,
  type Endpoint,
  type Fault,
  type IoCell,
  ioCells,
} from "../dataplane/link.ts";
import { Coalescer } from "../dataplane/offload/coalesce.ts";
import type { Outbox } from "../dataplane/outbox.ts";
import type { UdpDevice } from "../net/udp.ts";
import type { PacketBatch, TunDevice } from "../tun/device.ts";
import type { RingReader, RingWriter } from "./ring-ends.ts";

/** The pure half of the data thread. */
export interface Plane {
  apply(command: DataCommand, now: number, out: Outbox): void;
  handleTunPacket(offset: number, length: number, now: number, out: Outbox): void;
  handleSuperPacket(offset: number, length: number, now: number, out: Outbox): void;
  handleDatagram(offset: number, length: number, source: Endpoint, now: number, out: Outbox, ecn?: number): void;
}

/** Waits until the TUN, the socket or the control thread has something. */
export interface Sleeper {
  sleep(timeoutMs: number): void;
}

/** One thread does both directions, or two share them. */
export type DataRole = "both" | "send" | "receive";

export interface DataLoopParts {
  readonly role: DataRole;
  readonly arena: DataArena;
  readonly plane: Plane;
  readonly out: Outbox;
  readonly tun: TunDevice;
  readonly udp: UdpDevice;
  readonly commands: RingReader<DataCommand>;
  /** What a thread that only receives has learned for this one. */
  readonly learned: RingReader<DataCommand> | undefined;
  /** For a thread that only receives: tells the one that sends, before a packet can be answered. */
  readonly tellSender: ((command: DataCommand) => void) | undefined;
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

/**
 * The blocking loop of the data thread: first what the control thread wants, then what the TUN has goes out in one batch
 * and what the socket has goes in; it sleeps only when a whole round found nothing.
 */
export class DataLoop {
  readonly #parts: DataLoopParts;
  readonly #tunIn: PacketBatch;
  readonly #tunOut: PacketBatch;
  readonly #coalescer: Coalescer;
  /** What the adapters had counted when it was last added. */
  readonly #added = { tunRefused: 0, udpRefused: 0, full: 0, messages: 0 };
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
    this.#count();
  }

  /** Runs until it is stopped or the TUN or the socket is gone; then returns what failed. */
  run(): Fault | undefined {
    const { role, tun, udp, events, sleeper } = this.#parts;
    while (!this.#stopping && !this.#parts.stopped()) {
      const now = this.#parts.now();
      let busy = this.#fromControl(now);
      if (role !== "receive") busy += this.#fromTun(now);
      if (role !== "send") busy += this.#fromUdp(now);
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
    const { commands, learned } = this.#parts;
    return this.#obey(commands, now) + (learned === undefined ? 0 : this.#obey(learned, now));
  }

  #obey(commands: RingReader<DataCommand>, now: number): number {
    const { plane, out } = this.#parts;
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
    const { role, out, udp, tun, events, io } = this.#parts;
    if (this.#parts.tellSender !== undefined) this.#tellSender(out.events);
    if (role !== "receive") io[UDP_SENT]! += out.datagramCount;
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

  #tellSender(events: readonly DataEvent[]): void {
    const { tellSender } = this.#parts;
    for (const event of events) {
      if (event.type === "session.confirmed") tellSender?.({ ...event, type: "session.promote" });
      else if (event.type === "path.learned") tellSender?.({ ...event, type: "path.set" });
    }
  }

  #publish(): void {
    const { events, notify } = this.#parts;
    events.flush();
    notify();
  }

  /** The adapters and the ring count what they lost; people read it in one place. */
  #count(): void {
    const { role, tun, udp, events, drops, io } = this.#parts;
    const added = this.#added;
    drops[TUN_REFUSED]! += tun.refused - added.tunRefused;
    drops[UDP_REFUSED]! += udp.refused - added.udpRefused;
    drops[LINK_FULL]! += events.dropped - added.full;
    added.tunRefused = tun.refused;
    added.udpRefused = udp.refused;
    added.full = events.dropped;
    if (role !== "receive") {
      io[UDP_SENT_MESSAGES]! += udp.messages - added.messages;
      added.messages = udp.messages;
      io[OFFLOAD_TSO] = Number(tun.offloads.tso);
      io[OFFLOAD_USO] = Number(tun.offloads.uso);
      io[OFFLOAD_SEGMENT] = Number(udp.offloads.segment);
    }
    if (role !== "send") {
      io[OFFLOAD_JOIN] = Number(tun.offloads.join);
      io[OFFLOAD_GRO] = Number(udp.offloads.gro);
    }
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
const OFFLOAD_TSO = ioIndex("offload.tun_tso");
const OFFLOAD_USO = ioIndex("offload.tun_uso");
const OFFLOAD_JOIN = ioIndex("offload.tun_join");
const OFFLOAD_SEGMENT = ioIndex("offload.udp_segment");
const OFFLOAD_GRO = ioIndex("offload.udp_gro");

function indexOf(reason: DropReason): number {
  return dropReasons.indexOf(reason);
}

function ioIndex(cell: IoCell): number {
  return ioCells.indexOf(cell);
}

function fault(where: Fault["where"], errno: number, message: string): Fault {
  return { type: "fault", where, errno, message };
}
