import { monotonicMs } from "../os/monotonic-linux.ts";
import {
  CELLS_PER_PEER,
  type DataCommand,
  type DataEvent,
  type DropReason,
  dropReasons,
  type IoCell,
  ioCells,
  MAX_PEERS,
  type PeerCells,
} from "../dataplane/link.ts";
import { REKEY_AFTER_MS } from "../dataplane/wireguard/session.ts";
import { readEvent, writeCommand } from "../dataplane/link-codec.ts";
import { TunUnavailable } from "../tun/device.ts";
import type { DataThreadReport, DataThreadStart } from "./data-thread.ts";
import { MemoryTunEnd } from "./memory-tun-end.ts";
import { SharedRing } from "./ring.ts";
import { RingReader, RingWriter } from "./ring-ends.ts";
import { LinuxWaker } from "./sleeper-linux.ts";

export interface DataLinkOptions {
  /** `memory` has no device: packets go in and out by `DataLink.memoryTun`. */
  readonly tun:
    | { readonly kind: "kernel"; readonly name: string; readonly mtuBytes: number }
    | { readonly kind: "memory"; readonly mtuBytes: number };
  /** 0 for any; when it is taken another free one is used, see `DataLink.localPort`. */
  readonly listenPort: number;
  /** False to do without super-packets and joined datagrams, whatever the system has. */
  readonly offloads?: boolean;
  /** When an initiator renews a session, other than WireGuard says; for tests. */
  readonly rekeyAfterMs?: number;
  /** Counters to go on with: those of the link this one takes the place of. */
  readonly counters?: LinkCounters;
  onEvent(event: DataEvent): void;
}

/** What both threads count, in memory both see. */
export interface LinkCounters {
  readonly cells: PeerCells;
  readonly drops: Uint32Array;
  readonly io: Float64Array;
}

/** The control thread's end of the data thread. Times in `cells` are `performance.now()` of the thread that opened it. */
export class DataLink {
  readonly counters: LinkCounters;
  readonly interfaceName: string;
  readonly localPort: number;
  /** Name of the crypto engine in use. */
  readonly engine: string;
  /** The far side of a TUN of kind `memory`. */
  readonly memoryTun: MemoryTunEnd | undefined;
  readonly #thread: ThreadHandle;
  readonly #commands: RingWriter<DataCommand>;
  readonly #events: RingReader<DataEvent>;
  readonly #onEvent: (event: DataEvent) => void;
  readonly #pumped: Promise<void>;
  readonly #onUnload = () => this.#stop();
  #retry: ReturnType<typeof setTimeout> | undefined;
  #closing: Promise<void> | undefined;

  private constructor(options: DataLinkOptions, thread: ThreadHandle, opened: Opened) {
    const { start } = thread;
    this.#thread = thread;
    const { cells, drops, io } = start;
    this.counters = { cells, drops, io };
    this.interfaceName = opened.interfaceName;
    this.localPort = opened.localPort;
    this.engine = opened.engine;
    this.memoryTun = thread.memoryTun;
    this.#onEvent = options.onEvent;
    this.#commands = new RingWriter(thread.commandRing, writeCommand, mayBeLost, forgetKeys);
    this.#events = new RingReader(new SharedRing(start.events), readEvent);
    this.#pumped = this.#pump();
    // Deno.exit waits for a thread that sleeps in the kernel.
    globalThis.addEventListener("unload", this.#onUnload);
  }

  /** Rejects with `TunUnavailable` when there is no right to make a TUN, or no TUN. */
  static async open(options: DataLinkOptions, startWorker: () => Worker = startDataWorker): Promise<DataLink> {
    const thread = createThread(options, startWorker);
    try {
      return new DataLink(options, thread, await thread.opened);
    } catch (error) {
      thread.worker.terminate();
      thread.waker.close();
      throw error;
    }
  }

  /** Never blocks; packets that find the ring full are dropped and counted as `link.full`. */
  send(command: DataCommand): void {
    if (this.#closing !== undefined) return;
    this.#commands.push(command);
    this.#wakeSleeper();
    if (this.#commands.blocked) this.#retryLater();
  }

  drops(): Record<DropReason, number> {
    const counts = [...this.counters.drops];
    const drops = Object.fromEntries(dropReasons.map((reason, at) => [reason, counts[at] ?? 0]));
    drops["link.full"] = (drops["link.full"] ?? 0) + this.#commands.dropped;
    return drops as Record<DropReason, number>;
  }

  io(): Record<IoCell, number> {
    const { io } = this.counters;
    return Object.fromEntries(ioCells.map((cell, at) => [cell, io[at] ?? 0])) as Record<IoCell, number>;
  }

  /** Stops the data thread; the TUN goes with it. No event comes after it resolves. */
  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  async #close(): Promise<void> {
    globalThis.removeEventListener("unload", this.#onUnload);
    clearTimeout(this.#retry);
    this.#stop();
    await this.#pumped;
    this.#thread.worker.terminate();
    this.#thread.waker.close();
  }

  #stop(): void {
    Atomics.store(this.#thread.start.control, 0, 1);
    this.#thread.waker.wake();
  }

  #wakeSleeper(): void {
    if (this.#thread.commandRing.takeSleeping()) this.#thread.waker.wake();
  }

  /** Commands that found the ring full go when the data thread has read some. */
  #retryLater(): void {
    this.#retry ??= setTimeout(() => {
      this.#retry = undefined;
      this.#commands.flush();
      this.#wakeSleeper();
      if (this.#commands.blocked) this.#retryLater();
    }, RETRY_MS);
  }

  /** Hands events over until the thread has ended and the ring is empty. A thread that just dies is a fault as well. */
  async #pump(): Promise<void> {
    const { ring } = this.#events;
    let end: string | undefined;
    void this.#thread.ended.then((problem) => {
      end = problem;
      ring.notify();
    });
    for (;;) {
      if (this.#handOver()) await turn();
      else if (end !== undefined) break;
      else await ring.filled();
    }
    if (end !== "" && this.#closing === undefined) {
      this.#onEvent({ type: "fault", where: "worker", errno: 0, message: end });
    }
  }

  /** True when more may wait: other work of this thread comes first then. */
  #handOver(): boolean {
    for (let count = 0; count < EVENTS_PER_TURN; count++) {
      const event = this.#events.shift();
      if (event === undefined) return false;
      this.#onEvent(event);
    }
    return true;
  }
}

const RING_BYTES = 1024 * 1024;
const EVENTS_PER_TURN = 256;
const RETRY_MS = 2;

type Opened = Extract<DataThreadReport, { type: "open" }>;

interface ThreadHandle {
  readonly worker: Worker;
  readonly start: DataThreadStart;
  readonly commandRing: SharedRing;
  readonly memoryTun: MemoryTunEnd | undefined;
  readonly opened: Promise<Opened>;
  /** What it died of, or an empty text. */
  readonly ended: Promise<string>;
  readonly waker: LinuxWaker;
}

function startDataWorker(): Worker {
  return new Worker(new URL("./data-worker.ts", import.meta.url), { type: "module" });
}

/** Datagrams and packets: their senders send them again. */
function mayBeLost({ type }: DataCommand): boolean {
  return type === "datagram.receive" || type === "datagram.send" || type === "packet.inject";
}

/** The data thread has them now. */
function forgetKeys(command: DataCommand): void {
  if (command.type !== "session.install") return;
  command.sendKey.fill(0);
  command.receiveKey.fill(0);
}

function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

function createThread(options: DataLinkOptions, startWorker: () => Worker): ThreadHandle {
  const waker = new LinuxWaker();
  const memoryTun = options.tun.kind === "memory" ? new MemoryTunEnd(() => waker.wake()) : undefined;
  const commandRing = SharedRing.create(RING_BYTES);
  const start: DataThreadStart = {
    tun: options.tun.kind === "kernel"
      ? options.tun
      : { ...options.tun, inbound: memoryTun!.inbound.memory, outbound: memoryTun!.outbound.memory },
    listenPort: options.listenPort,
    commands: commandRing.memory,
    events: SharedRing.create(RING_BYTES).memory,
    ...(options.counters ?? createCounters()),
    offloads: options.offloads ?? true,
    rekeyAfterMs: options.rekeyAfterMs ?? REKEY_AFTER_MS,
    control: new Int32Array(new SharedArrayBuffer(4)),
    wakeFd: waker.fd,
    clockZeroMs: monotonicMs() - performance.now(),
  };
  const worker = startWorker();
  const { opened, ended } = reports(worker);
  worker.postMessage(start);
  return { worker, start, commandRing, memoryTun, opened, ended, waker };
}

function createCounters(): LinkCounters {
  return {
    cells: new Float64Array(new SharedArrayBuffer(MAX_PEERS * CELLS_PER_PEER * 8)),
    drops: new Uint32Array(new SharedArrayBuffer(dropReasons.length * 4)),
    io: new Float64Array(new SharedArrayBuffer(ioCells.length * 8)),
  };
}

function reports(worker: Worker): { opened: Promise<Opened>; ended: Promise<string> } {
  const opened = Promise.withResolvers<Opened>();
  const ended = Promise.withResolvers<string>();
  worker.onmessage = ({ data }: MessageEvent<DataThreadReport>) => {
    if (data.type === "open") opened.resolve(data);
    else if (data.type === "refused") opened.reject(refusal(data));
    else ended.resolve("");
  };
  worker.onerror = (event) => {
    event.preventDefault();
    const problem = `The data thread failed: ${event.message}`;
    opened.reject(new Error(problem));
    ended.resolve(problem);
  };
  return { opened: opened.promise, ended: ended.promise };
}

/** Errors lose their class between threads. */
function refusal({ name, message }: { name: string; message: string }): Error {
  return name === "TunUnavailable" ? new TunUnavailable(message) : new Error(message);
}
