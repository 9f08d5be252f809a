import { loadKernel } from "../crypto/kernel/kernel.ts";
import type { EngineParts } from "../crypto/select.ts";
import { addressOf } from "../os/ffi/memory.ts";
import { monotonicMs } from "../os/monotonic-linux.ts";
import { createArena, type DataArena } from "../dataplane/arena.ts";
import type { DataCommand, DataEvent, Fault, PeerCells } from "../dataplane/link.ts";
import { readCommand, writeCommand, writeEvent } from "../dataplane/link-codec.ts";
import { Outbox } from "../dataplane/outbox.ts";
import type { UdpSocket } from "../net/udp-socket-linux.ts";
import { LinuxUdp } from "../net/udp-linux.ts";
import type { TunDevice } from "../tun/device.ts";
import { LinuxTun } from "../tun/linux.ts";
import { MemoryTun } from "../tun/memory.ts";
import { DataLoop, type DataRole, type Plane } from "./data-loop.ts";
import { SharedRing } from "./ring.ts";
import { RingPacketQueue, RingReader, RingWriter } from "./ring-ends.ts";
import { LinuxSleeper, LinuxWaker } from "./sleeper-linux.ts";

/** The first and only message to the data thread: the memory both share, and what to open. */
export interface DataThreadStart {
  readonly tun:
    | { readonly kind: "kernel"; readonly name: string; readonly mtuBytes: number }
    | {
      readonly kind: "memory";
      readonly mtuBytes: number;
      readonly inbound: SharedArrayBuffer;
      readonly outbound: SharedArrayBuffer;
    };
  readonly listenPort: number;
  readonly role: DataRole;
  /** For the second thread: what the first one opened, and the eventfd that wakes it. */
  readonly shared: (SharedFiles & { readonly wakeFd: number }) | undefined;
  /** With two threads: the ring from the second one to the first. */
  readonly learned: SharedArrayBuffer | undefined;
  readonly commands: SharedArrayBuffer;
  readonly events: SharedArrayBuffer;
  readonly cells: PeerCells;
  readonly drops: Uint32Array;
  readonly io: Float64Array;
  readonly offloads: boolean;
  readonly rekeyAfterMs: number;
  /** Word 0 becomes 1 when the thread is to end. */
  readonly control: Int32Array;
  /** eventfd that ends a sleep. */
  readonly wakeFd: number;
  /** When `performance.now()` of the control thread, whose clock all times follow, was 0 on the system's. */
  readonly clockZeroMs: number;
}

/** Open files of a data thread; a memory TUN has the file -1. */
export interface SharedFiles {
  readonly tun: { readonly fd: number; readonly name: string };
  readonly udp: UdpSocket;
}

/** Messages from the data thread: one at its start, one at its end. Everything else goes through the rings. */
export type DataThreadReport =
  | { readonly type: "open"; readonly files: SharedFiles; readonly engine: string }
  | { readonly type: "refused"; readonly name: string; readonly message: string }
  | { readonly type: "ended"; readonly fault: Fault | undefined };

export interface PlaneParts extends EngineParts {
  readonly arena: DataArena;
  readonly cells: PeerCells;
  readonly drops: Uint32Array;
  readonly rekeyAfterMs: number;
  /** False for a thread that only receives. */
  readonly sends: boolean;
}

export type CreatePlane = (parts: PlaneParts) => { readonly plane: Plane; readonly engine: string };

/** Serves one data thread: opens, reports, then runs until it is stopped or something fails. */
export function serveDataThread(start: DataThreadStart, createPlane: CreatePlane, report: Report): void {
  let thread: OpenThread;
  try {
    thread = openThread(start, createPlane);
  } catch (error) {
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    report({ type: "refused", name, message });
    return;
  }
  const { tun, udp, engine } = thread;
  const files = { tun: { fd: tun.fd, name: tun.name }, udp: { fd: udp.fd, family: udp.family, port: udp.port } };
  report({ type: "open", files, engine });
  const fault = runGuarded(thread.loop);
  // Files that two threads use are closed by the control thread, when both have ended.
  if (start.role === "both") {
    thread.tun.close();
    thread.udp.close();
  }
  report({ type: "ended", fault });
}

type Report = (report: DataThreadReport) => void;

interface OpenThread {
  readonly tun: TunDevice;
  readonly udp: LinuxUdp;
  readonly engine: string;
  readonly loop: DataLoop;
}

function openThread(start: DataThreadStart, createPlane: CreatePlane): OpenThread {
  const plain = createArena(start.tun.mtuBytes);
  const arenaAddress = addressOf(plain.bytes);
  const kernel = loadKernel(plain);
  const arena = kernel === undefined ? plain : { ...plain, sum: kernel.sum };
  const { role, cells, drops, io, control, rekeyAfterMs } = start;
  const sends = role !== "receive";
  const { plane, engine } = createPlane({ arena, arenaAddress, kernel, cells, drops, rekeyAfterMs, sends });
  const tun = openTun(start, arena, arenaAddress);
  const udp = openUdp(start, arena, arenaAddress, tun);
  if (!start.offloads) {
    tun.setOffloads(false);
    udp.setOffloads(false);
  }
  const commands = new RingReader<DataCommand>(new SharedRing(start.commands), readCommand);
  const learned = start.learned === undefined ? undefined : new SharedRing(start.learned);
  const eventRing = new SharedRing(start.events);
  const events = new RingWriter<DataEvent>(eventRing, writeEvent, mayBeLost);
  const clockOffset = monotonicMs() - performance.now() - start.clockZeroMs;
  const files = [...(role === "receive" ? [] : [tun.fd]), ...(role === "send" ? [] : [udp.fd])];
  const rings = [commands.ring, ...(learned === undefined || role === "receive" ? [] : [learned])];
  const loop = new DataLoop({
    role,
    arena,
    plane,
    out: new Outbox(arena),
    tun,
    udp,
    commands,
    learned: learned === undefined || role === "receive" ? undefined : new RingReader(learned, readCommand),
    tellSender: learned === undefined || role === "send" ? undefined : senderOf(learned, start.shared!.wakeFd),
    events,
    notify: () => eventRing.notify(),
    sleeper: new LinuxSleeper(files, start.wakeFd, ...rings),
    drops,
    io,
    stopped: () => Atomics.load(control, 0) !== 0,
    now: () => performance.now() + clockOffset,
  });
  return { tun, udp, engine, loop };
}

/** Hands commands to the thread that sends, and wakes it. */
function senderOf(ring: SharedRing, wakeFd: number): (command: DataCommand) => void {
  const writer = new RingWriter<DataCommand>(ring, writeCommand, () => false);
  const waker = new LinuxWaker(wakeFd);
  return (command) => {
    writer.push(command);
    writer.flush();
    if (ring.takeSleeping()) waker.wake();
  };
}

/** Anybody can send handshakes: they must not pile up while the control thread is busy. */
function mayBeLost({ type }: DataEvent): boolean {
  return type === "relay.send" || type === "handshake.received";
}

function openTun({ tun, shared }: DataThreadStart, arena: DataArena, arenaAddress: bigint): TunDevice {
  const batchSize = arena.tunIn.slots;
  if (tun.kind === "kernel") {
    const { name, mtuBytes } = tun;
    return new LinuxTun({ name, mtuBytes, batchSize, offloads: true, arenaAddress, shared: shared?.tun });
  }
  return new MemoryTun({
    mtuBytes: tun.mtuBytes,
    batchSize,
    arena: arena.bytes,
    inbound: new RingPacketQueue(new SharedRing(tun.inbound)),
    outbound: new RingPacketQueue(new SharedRing(tun.outbound)),
  });
}

function openUdp(start: DataThreadStart, arena: DataArena, address: bigint, tun: TunDevice): LinuxUdp {
  const memory = { arena: arena.bytes, address, offset: arena.io.offset };
  try {
    return new LinuxUdp({
      port: start.listenPort,
      memory,
      receive: arena.udpIn,
      sendSlots: arena.udpOut.slots,
      offloads: true,
      shared: start.shared?.udp,
    });
  } catch (error) {
    tun.close();
    throw error;
  }
}

/** A bug in the data plane must reach the log of the control thread, not end the process. */
function runGuarded(loop: DataLoop): Fault | undefined {
  try {
    return loop.run();
  } catch (error) {
    const message = error instanceof Error ? error.stack ?? error.message : String(error);
    return { type: "fault", where: "worker", errno: 0, message };
  }
}
