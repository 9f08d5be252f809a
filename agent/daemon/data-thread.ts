import { loadKernel } from "../crypto/kernel/kernel.ts";
import type { EngineParts } from "../crypto/select.ts";
import { addressOf } from "../os/ffi/memory.ts";
import { createArena, type DataArena } from "../dataplane/arena.ts";
import type { DataCommand, DataEvent, Fault, PeerCells } from "../dataplane/link.ts";
import { readCommand, writeCommand, writeEvent } from "../dataplane/link-codec.ts";
import { Outbox } from "../dataplane/outbox.ts";
import type { UdpDevice, UdpSocket } from "../net/udp.ts";
import type { TunDevice } from "../tun/device.ts";
import { MemoryTun } from "../tun/memory.ts";
import { DataLoop, type DataRole, type Plane } from "./data-loop.ts";
import type { KernelTun, ThreadPlatform, Waker } from "./platform.ts";
import { SharedRing } from "./ring.ts";
import { RingPacketQueue, RingReader, RingWriter } from "./ring-ends.ts";

/** The first and only message to the data thread: the memory both share, and what to open. */
export interface DataThreadStart {
  readonly tun:
    | KernelTun
    | {
      readonly kind: "memory";
      readonly mtuBytes: number;
      readonly inbound: SharedArrayBuffer;
      readonly outbound: SharedArrayBuffer;
    };
  readonly listenPort: number;
  readonly role: DataRole;
  /** For the second thread: what the first one opened, and by what it is woken. */
  readonly shared: (SharedFiles & { readonly wakeHandle: number }) | undefined;
  /** With two threads: the ring from the second one to the first. */
  readonly learned: SharedArrayBuffer | undefined;
  readonly commands: SharedArrayBuffer;
  readonly events: SharedArrayBuffer;
  readonly cells: PeerCells;
  readonly drops: Uint32Array;
  /** Memory of `createShields`. */
  readonly shields: Uint32Array;
  readonly io: Float64Array;
  readonly offloads: boolean;
  readonly rekeyAfterMs: number;
  /** Word 0 becomes 1 when the thread is to end. */
  readonly control: Int32Array;
  /** Of the waker that ends a sleep. */
  readonly wakeHandle: number;
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
  readonly shields: Uint32Array;
  readonly rekeyAfterMs: number;
  /** False for a thread that only receives. */
  readonly sends: boolean;
}

export type CreatePlane = (parts: PlaneParts) => { readonly plane: Plane; readonly engine: string };

/** Serves one data thread: opens, reports, then runs until it is stopped or something fails. */
export function serveDataThread(
  start: DataThreadStart,
  platform: ThreadPlatform,
  createPlane: CreatePlane,
  report: Report,
): void {
  let thread: OpenThread;
  try {
    thread = openThread(start, platform, createPlane);
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
  readonly udp: UdpDevice;
  readonly engine: string;
  readonly loop: DataLoop;
}

function openThread(start: DataThreadStart, platform: ThreadPlatform, createPlane: CreatePlane): OpenThread {
  const plain = createArena(start.tun.mtuBytes);
  const arenaAddress = addressOf(plain.bytes);
  const kernel = loadKernel(plain);
  const arena = kernel === undefined ? plain : { ...plain, sum: kernel.sum };
  const { role, cells, drops, shields, io, control, rekeyAfterMs } = start;
  const sends = role !== "receive";
  const { plane, engine } = createPlane({ arena, arenaAddress, kernel, cells, drops, shields, rekeyAfterMs, sends });
  const tun = openTun(start, platform, arena, arenaAddress);
  const udp = openUdp(start, platform, arena, arenaAddress, tun);
  if (!start.offloads) {
    tun.setOffloads(false);
    udp.setOffloads(false);
  }
  const commands = new RingReader<DataCommand>(new SharedRing(start.commands), readCommand);
  const learned = start.learned === undefined ? undefined : new SharedRing(start.learned);
  const eventRing = new SharedRing(start.events);
  const events = new RingWriter<DataEvent>(eventRing, writeEvent, mayBeLost);
  const clockOffset = platform.monotonicMs() - performance.now() - start.clockZeroMs;
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
    tellSender: learned === undefined || role === "send"
      ? undefined
      : senderOf(learned, platform.createWaker(start.shared!.wakeHandle)),
    events,
    notify: () => eventRing.notify(),
    sleeper: platform.createSleeper({ role, tun, udp, wakeHandle: start.wakeHandle, rings }),
    drops,
    io,
    stopped: () => Atomics.load(control, 0) !== 0,
    now: () => performance.now() + clockOffset,
  });
  return { tun, udp, engine, loop };
}

/** Hands commands to the thread that sends, and wakes it. */
function senderOf(ring: SharedRing, waker: Waker): (command: DataCommand) => void {
  const writer = new RingWriter<DataCommand>(ring, writeCommand, () => false);
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

function openTun(
  { tun, shared }: DataThreadStart,
  platform: ThreadPlatform,
  arena: DataArena,
  arenaAddress: bigint,
): TunDevice {
  if (tun.kind === "kernel") return platform.openTun(tun, arena, arenaAddress, shared?.tun);
  return new MemoryTun({
    mtuBytes: tun.mtuBytes,
    batchSize: arena.tunIn.slots,
    arena: arena.bytes,
    inbound: new RingPacketQueue(new SharedRing(tun.inbound)),
    outbound: new RingPacketQueue(new SharedRing(tun.outbound)),
  });
}

function openUdp(
  start: DataThreadStart,
  platform: ThreadPlatform,
  arena: DataArena,
  address: bigint,
  tun: TunDevice,
): UdpDevice {
  const memory = { arena: arena.bytes, address, offset: arena.io.offset };
  try {
    return platform.openUdp({
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
