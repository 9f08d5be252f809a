import {
  CELLS_PER_PEER,
  type DataCommand,
  type DataEvent,
  type DropReason,
  dropReasons,
  type Fault,
  type IoCell,
  ioCells,
  MAX_PEERS,
  type PeerCells,
} from "../dataplane/link.ts";
import { REKEY_AFTER_MS } from "../dataplane/wireguard/session.ts";
import { createShields, setShields } from "../dataplane/shields.ts";
import { MemoryTunEnd } from "./memory-tun-end.ts";
import type { KernelTun, LinkPlatform, Waker } from "./platform.ts";
import { SharedRing } from "./ring.ts";
import { ThreadEnd, type ThreadSettings } from "./thread-end.ts";

export interface DataLinkOptions {
  /** `memory` has no device: packets go in and out by `DataLink.memoryTun`. */
  readonly tun:
    | KernelTun
    | { readonly kind: "memory"; readonly mtuBytes: number };
  /** 0 for any; when it is taken another free one is used, see `DataLink.localPort`. */
  readonly listenPort: number;
  /** One thread for both directions, or one for each; by the number of processors when left out. */
  readonly threads?: 1 | 2 | undefined;
  /** False to do without super-packets and joined datagrams, whatever the system has. */
  readonly offloads?: boolean;
  /** When an initiator renews a session, other than WireGuard says; for tests. */
  readonly rekeyAfterMs?: number;
  /** Counters to go on with: those of the link this one takes the place of. */
  readonly counters?: LinkCounters;
  onEvent(event: DataEvent | Fault): void;
}

/** What both threads count, in memory both see, and what they let in. */
export interface LinkCounters {
  readonly cells: PeerCells;
  readonly drops: Uint32Array;
  readonly io: Float64Array;
  readonly shields: Uint32Array;
}

/** Paths and sessions of peers that are new to the receiving thread: a few at a time. */
const LEARNED_BYTES = 64 * 1024;
/** On fewer, a second thread only takes time from the control thread and the kernel. */
const PROCESSORS_FOR_TWO = 3;

/**
 * The control thread's end of the data plane, be it one thread or two. Times in `counters.cells` are `performance.now()` of
 * the thread that opened it.
 */
export class DataLink {
  readonly counters: LinkCounters;
  readonly interfaceName: string;
  readonly localPort: number;
  /** Name of the crypto engine in use. */
  readonly engine: string;
  readonly threads: 1 | 2;
  /** The far side of a TUN of kind `memory`. */
  readonly memoryTun: MemoryTunEnd | undefined;
  readonly #platform: LinkPlatform;
  readonly #sender: ThreadEnd;
  readonly #receiver: ThreadEnd | undefined;
  readonly #onUnload = () => this.#stop();
  #closing: Promise<void> | undefined;

  private constructor(
    lanes: Lanes,
    platform: LinkPlatform,
    counters: LinkCounters,
    memoryTun: MemoryTunEnd | undefined,
  ) {
    const { engine, files } = lanes.sender.opened;
    this.counters = counters;
    this.interfaceName = files.tun.name;
    this.localPort = files.udp.port;
    this.engine = engine;
    this.threads = lanes.receiver === undefined ? 1 : 2;
    this.memoryTun = memoryTun;
    this.#platform = platform;
    this.#sender = lanes.sender;
    this.#receiver = lanes.receiver;
    // Deno.exit waits for a thread that sleeps in the kernel.
    globalThis.addEventListener("unload", this.#onUnload);
  }

  /** Rejects with `TunUnavailable` when there is no right to make a TUN, or no TUN. */
  static async open(options: DataLinkOptions, platform: LinkPlatform): Promise<DataLink> {
    const waker = platform.createWaker();
    const memoryTun = options.tun.kind === "memory" ? new MemoryTunEnd(() => waker.wake()) : undefined;
    const counters = options.counters ?? createCounters();
    const settings: Settings = {
      tun: options.tun.kind === "kernel"
        ? options.tun
        : { ...options.tun, inbound: memoryTun!.inbound.memory, outbound: memoryTun!.outbound.memory },
      listenPort: options.listenPort,
      ...counters,
      offloads: options.offloads ?? true,
      rekeyAfterMs: options.rekeyAfterMs ?? REKEY_AFTER_MS,
    };
    const wanted = options.threads ?? (navigator.hardwareConcurrency >= PROCESSORS_FOR_TWO ? 2 : 1);
    const lanes = Math.min(wanted, platform.mostThreads) === 1
      ? { sender: await openBoth(settings, platform, waker, options), receiver: undefined }
      : await openTwo(settings, platform, waker, options);
    return new DataLink(lanes, platform, counters, memoryTun);
  }

  /** Never blocks; packets that find the ring full are dropped and counted as `link.full`. */
  send(command: DataCommand): void {
    if (this.#closing !== undefined) return;
    if (this.#receiver === undefined) return this.#sender.send(command);
    if (command.type === "datagram.receive") return this.#receiver.send(command);
    // First, so that it knows a session before the other end can have an answer.
    if (forBoth.has(command.type)) this.#receiver.send(copyOf(command));
    this.#sender.send(command);
  }

  drops(): Record<DropReason, number> {
    const counts = [...this.counters.drops];
    const drops = Object.fromEntries(dropReasons.map((reason, at) => [reason, counts[at] ?? 0]));
    drops["link.full"] = (drops["link.full"] ?? 0) + this.#sender.dropped + (this.#receiver?.dropped ?? 0);
    return drops as Record<DropReason, number>;
  }

  io(): Record<IoCell, number> {
    const { io } = this.counters;
    return Object.fromEntries(ioCells.map((cell, at) => [cell, io[at] ?? 0])) as Record<IoCell, number>;
  }

  /** Whether only answers to what this machine sent are let in. */
  setShields(up: boolean): void {
    setShields(this.counters.shields, up);
  }

  /** Stops the data threads; the TUN goes with them. No event comes after it resolves. */
  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  async #close(): Promise<void> {
    globalThis.removeEventListener("unload", this.#onUnload);
    // First the one that wakes the other: a file's number may be another's as soon as it is closed.
    await this.#receiver?.close();
    await this.#sender.close();
    if (this.#receiver !== undefined) this.#platform.closeFiles(this.#sender.opened.files);
  }

  #stop(): void {
    this.#receiver?.stop();
    this.#sender.stop();
  }
}

interface Lanes {
  readonly sender: ThreadEnd;
  readonly receiver: ThreadEnd | undefined;
}

type Settings = Omit<ThreadSettings, "role" | "shared" | "learned">;

/** What a thread that only receives must know as well; the other one sends, or asks the system for, all that is sent. */
const forBoth: ReadonlySet<DataCommand["type"]> = new Set(
  [
    "identity.set",
    "peer.set",
    "peer.remove",
    "path.set",
    "session.install",
    "sessions.drop",
    "offloads.set",
    "mtu.set",
    "stop",
  ] as const,
);

function openBoth(settings: Settings, platform: LinkPlatform, waker: Waker, { onEvent }: DataLinkOptions) {
  const alone: ThreadSettings = { ...settings, role: "both", shared: undefined, learned: undefined };
  return ThreadEnd.open(alone, platform, waker, onEvent);
}

/** The first thread opens device and socket and sends; the second one receives, and tells the first what it learns. */
async function openTwo(
  settings: Settings,
  platform: LinkPlatform,
  waker: Waker,
  { onEvent }: DataLinkOptions,
): Promise<Lanes> {
  let faulty = false;
  const tell = (event: DataEvent | Fault) => {
    // One that fails takes the other along, which then has nothing to say.
    if (event.type === "fault" && faulty) return;
    faulty ||= event.type === "fault";
    onEvent(event);
  };
  const learned = SharedRing.create(LEARNED_BYTES).memory;
  const first: ThreadSettings = { ...settings, role: "send", shared: undefined, learned };
  const sender = await ThreadEnd.open(first, platform, waker, tell);
  const { files } = sender.opened;
  const shared = { ...files, wakeHandle: waker.handle };
  try {
    const receiver = await ThreadEnd.open(
      { ...settings, role: "receive", shared, learned },
      platform,
      platform.createWaker(),
      tell,
    );
    return { sender, receiver };
  } catch (error) {
    await sender.close();
    platform.closeFiles(files);
    throw error;
  }
}

/** Keys are zeroed once they are in a ring. */
function copyOf(command: DataCommand): DataCommand {
  if (command.type !== "session.install") return command;
  return { ...command, sendKey: command.sendKey.slice(), receiveKey: command.receiveKey.slice() };
}

function createCounters(): LinkCounters {
  return {
    cells: new Float64Array(new SharedArrayBuffer(MAX_PEERS * CELLS_PER_PEER * 8)),
    drops: new Uint32Array(new SharedArrayBuffer(dropReasons.length * 4)),
    io: new Float64Array(new SharedArrayBuffer(ioCells.length * 8)),
    shields: createShields(),
  };
}
