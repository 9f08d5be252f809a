import {
  FRAME_HEADER_BYTES,
  readBundle,
  readRelayToAgentFrame,
  relayPath,
  writeCredit,
} from "#protocol/relay/frames.ts";
import { fitsControlLane, isControlLane, RelayBundle } from "./relay-bundle.ts";
import { AgentWebSocket, type SocketClosed, type SocketTimings } from "./web-socket.ts";

export interface RelayHandlers {
  onOpen(): void;
  /** One datagram of the peer with this WireGuard key; both arrays are the handler's only until it returns. */
  onDatagram(source: Uint8Array, bytes: Uint8Array): void;
  onPeerGone(peer: Uint8Array): void;
  onClosed(end: SocketClosed): void;
}

export interface RelayCounters {
  sentBytes: number;
  receivedBytes: number;
  /** Packets dropped because the socket was full or closed. */
  dropped: number;
  /** Frames that were not of the protocol. */
  malformed: number;
}

/** After so many bundle bytes taken off the socket the relay may send as many more. */
const CREDIT_STEP_BYTES = 128 * 1024;
/** Bytes that may wait in the socket before packets are dropped: about what a tunnel fills in 50 ms. */
const SEND_QUEUE_BYTES = 1024 * 1024;
const CONTROL_QUEUE_BYTES = 2 * SEND_QUEUE_BYTES;
/** Handshakes that wait for the connection to open. */
const EARLY_PACKETS = 256;

/**
 * One connection to the relay of a region. Packets that are given in one turn of the event loop travel in bundles; a
 * bundle leaves when it is full or when the turn ends, never by a timer.
 */
export class RelaySocket {
  readonly #socket: AgentWebSocket;
  readonly #handlers: RelayHandlers;
  readonly #bundles = new Map<Uint8Array, RelayBundle>();
  readonly #waiting = new Set<RelayBundle>();
  readonly counters: RelayCounters = { sentBytes: 0, receivedBytes: 0, dropped: 0, malformed: 0 };
  #early: { destination: Uint8Array; packet: Uint8Array }[] = [];
  #uncredited = 0;
  #flushIsDue = false;

  constructor(origin: string, region: string, ticket: string, handlers: RelayHandlers, timings?: SocketTimings) {
    this.#handlers = handlers;
    this.#socket = new AgentWebSocket(origin + relayPath(region), ticket, {
      onOpen: () => {
        for (const { destination, packet } of this.#early.splice(0)) this.sendControl(destination, packet);
        handlers.onOpen();
      },
      onBinary: (bytes) => this.#receive(bytes),
      onClosed: (end) => handlers.onClosed(end),
    }, timings);
  }

  get isOpen(): boolean {
    return this.#socket.isOpen;
  }

  /**
   * Queues one datagram, copied. Pass the same array for the same destination: bundles are found by its identity.
   */
  send(destination: Uint8Array, packet: Uint8Array): void {
    if (!this.#socket.isOpen) {
      this.counters.dropped++;
      return;
    }
    const bundle = this.#bundleOf(destination);
    if (!bundle.add(packet)) {
      this.#write(bundle);
      if (!bundle.add(packet)) {
        this.counters.dropped++;
        return;
      }
    }
    this.#waiting.add(bundle);
    this.#scheduleFlush();
  }

  /** Sends one handshake message or keepalive in a frame of its own, ahead of what is queued, or when the socket opens. */
  sendControl(destination: Uint8Array, packet: Uint8Array): void {
    if (!this.#socket.isOpen && this.#early.length < EARLY_PACKETS) {
      this.#early.push({ destination, packet: packet.slice() });
      return;
    }
    if (!fitsControlLane(packet)) return this.send(destination, packet);
    const bundle = new RelayBundle(destination);
    bundle.add(packet);
    this.#write(bundle);
  }

  close(): void {
    this.#waiting.clear();
    this.#bundles.clear();
    this.#socket.close();
  }

  /** Frees what is kept for a destination that is no peer any more. */
  forget(destination: Uint8Array): void {
    this.#bundles.delete(destination);
  }

  #bundleOf(destination: Uint8Array): RelayBundle {
    let bundle = this.#bundles.get(destination);
    if (bundle === undefined) this.#bundles.set(destination, bundle = new RelayBundle(destination));
    return bundle;
  }

  #scheduleFlush(): void {
    if (this.#flushIsDue) return;
    this.#flushIsDue = true;
    queueMicrotask(() => {
      this.#flushIsDue = false;
      for (const bundle of this.#waiting) this.#write(bundle);
      this.#waiting.clear();
    });
  }

  #write(bundle: RelayBundle): void {
    if (bundle.isEmpty) return;
    const frame = bundle.take();
    const room = isControlLane(frame) ? CONTROL_QUEUE_BYTES : SEND_QUEUE_BYTES;
    if (!this.#socket.isOpen || this.#socket.bufferedBytes > room) {
      this.counters.dropped++;
      return;
    }
    this.#socket.sendBinary(frame);
    this.counters.sentBytes += frame.length - FRAME_HEADER_BYTES;
  }

  #receive(bytes: Uint8Array): void {
    const frame = readRelayToAgentFrame(bytes);
    if (frame === undefined) this.counters.malformed++;
    else if (frame.type === "receive") {
      for (const packet of readBundle(frame.bundle)) this.#handlers.onDatagram(frame.source, packet);
      this.#credit(frame.bundle.length);
    } else if (frame.type === "peerGone") this.#handlers.onPeerGone(frame.peer);
    else if (frame.type === "restart") this.#restart(frame.retryAfterMs);
  }

  #credit(bytes: number): void {
    this.counters.receivedBytes += bytes;
    this.#uncredited += bytes;
    if (this.#uncredited < CREDIT_STEP_BYTES) return;
    this.#socket.sendBinary(writeCredit(this.#uncredited));
    this.#uncredited = 0;
  }

  #restart(retryAfterMs: number): void {
    this.close();
    this.#handlers.onClosed({ reason: "the relay restarts", retryAfterMs });
  }
}
