import type { DataCommand, DataEvent, Fault } from "../dataplane/link.ts";
import { readEvent, writeCommand } from "../dataplane/link-codec.ts";
import { TunUnavailable } from "../tun/device.ts";
import type { DataThreadReport, DataThreadStart } from "./data-thread.ts";
import type { LinkPlatform, Waker } from "./platform.ts";
import { SharedRing } from "./ring.ts";
import { RingReader, RingWriter } from "./ring-ends.ts";

type Opened = Extract<DataThreadReport, { type: "open" }>;

/** What a thread is started with, but for what joins it to this end. */
export type ThreadSettings = Omit<DataThreadStart, "commands" | "events" | "control" | "wakeHandle" | "clockZeroMs">;

const RING_BYTES = 1024 * 1024;
const EVENTS_PER_TURN = 256;
const RETRY_MS = 2;

/** The control thread's end of one data thread: a ring each way, and the means to wake and to stop it. */
export class ThreadEnd {
  readonly opened: Opened;
  readonly #worker: Worker;
  readonly #waker: Waker;
  readonly #control: Int32Array;
  readonly #commandRing: SharedRing;
  readonly #commands: RingWriter<DataCommand>;
  readonly #events: RingReader<DataEvent>;
  readonly #onEvent: OnEvent;
  readonly #pumped: Promise<void>;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #closing: Promise<void> | undefined;

  private constructor(parts: Parts, opened: Opened, onEvent: OnEvent) {
    const { worker, waker, start, ended } = parts;
    this.opened = opened;
    this.#worker = worker;
    this.#waker = waker;
    this.#control = start.control;
    this.#commandRing = new SharedRing(start.commands);
    this.#commands = new RingWriter(this.#commandRing, writeCommand, mayBeLost, forgetKeys);
    this.#events = new RingReader(new SharedRing(start.events), readEvent);
    this.#onEvent = onEvent;
    this.#pumped = this.#pump(ended);
  }

  /** Rejects with `TunUnavailable` when there is no right to make a TUN, or no TUN. */
  static async open(
    settings: ThreadSettings,
    platform: LinkPlatform,
    waker: Waker,
    onEvent: OnEvent,
  ): Promise<ThreadEnd> {
    const start: DataThreadStart = {
      ...settings,
      commands: SharedRing.create(RING_BYTES).memory,
      events: SharedRing.create(RING_BYTES).memory,
      control: new Int32Array(new SharedArrayBuffer(4)),
      wakeHandle: waker.handle,
      clockZeroMs: platform.monotonicMs() - performance.now(),
    };
    const worker = platform.startWorker();
    const { opened, ended } = reports(worker);
    worker.postMessage(start);
    try {
      return new ThreadEnd({ worker, waker, start, ended }, await opened, onEvent);
    } catch (error) {
      worker.terminate();
      waker.close();
      throw error;
    }
  }

  /** Commands that were dropped because the thread was too slow. */
  get dropped(): number {
    return this.#commands.dropped;
  }

  /** Never blocks; packets that find the ring full are dropped. */
  send(command: DataCommand): void {
    this.#commands.push(command);
    this.#wakeSleeper();
    if (this.#commands.blocked) this.#retryLater();
  }

  /** Asks the thread to end; it does so in its own time. */
  stop(): void {
    Atomics.store(this.#control, 0, 1);
    this.#waker.wake();
  }

  /** No event comes after it resolves. */
  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  async #close(): Promise<void> {
    clearTimeout(this.#retry);
    this.stop();
    await this.#pumped;
    this.#worker.terminate();
    this.#waker.close();
  }

  #wakeSleeper(): void {
    if (this.#commandRing.takeSleeping()) this.#waker.wake();
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
  async #pump(ended: Promise<Fault | undefined>): Promise<void> {
    const { ring } = this.#events;
    let end: { readonly fault: Fault | undefined } | undefined;
    void ended.then((fault) => {
      end = { fault };
      ring.notify();
    });
    for (;;) {
      if (this.#handOver()) await turn();
      else if (end !== undefined) break;
      else await ring.filled();
    }
    if (end.fault !== undefined && this.#closing === undefined) this.#onEvent(end.fault);
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

interface Parts {
  readonly worker: Worker;
  readonly waker: Waker;
  readonly start: DataThreadStart;
  /** What it died of, if anything. */
  readonly ended: Promise<Fault | undefined>;
}

type OnEvent = (event: DataEvent | Fault) => void;

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

function reports(worker: Worker): { opened: Promise<Opened>; ended: Promise<Fault | undefined> } {
  const opened = Promise.withResolvers<Opened>();
  const ended = Promise.withResolvers<Fault | undefined>();
  worker.onmessage = ({ data }: MessageEvent<DataThreadReport>) => {
    if (data.type === "open") opened.resolve(data);
    else if (data.type === "refused") opened.reject(refusal(data));
    else ended.resolve(data.fault);
  };
  worker.onerror = (event) => {
    event.preventDefault();
    const message = `The data thread failed: ${event.message}`;
    opened.reject(new Error(message));
    ended.resolve({ type: "fault", where: "worker", errno: 0, message });
  };
  return { opened: opened.promise, ended: ended.promise };
}

/** Errors lose their class between threads. */
function refusal({ name, message }: { name: string; message: string }): Error {
  return name === "TunUnavailable" ? new TunUnavailable(message) : new Error(message);
}
