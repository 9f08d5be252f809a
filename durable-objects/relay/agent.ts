import { InFlight } from "#domain/relay/in-flight.ts";
import { CONTROL_LANE_BYTES, PeerGoneReason, writePeerGone } from "#protocol/relay/frames.ts";

export interface RelayCounters {
  forwarded: number;
  /** Bundles dropped because their receiver had too much in flight. */
  congested: number;
  /** Bundles to keys that are not connected. */
  gone: number;
  malformed: number;
}

/** What outlives hibernation with each socket. */
export interface Attachment {
  readonly key: Uint8Array;
  readonly isSlow: boolean;
}

interface HeldFrame {
  readonly bytes: Uint8Array;
  readonly bundleBytes: number;
}

const GONE_INTERVAL_MS = 1000;
const TOLD_GONE_MOST = 1000;
const HELD_MOST_BYTES = 262_144;
const HELD_MOST_MS = 50;

/** One agent's socket, as long as its object is awake. */
export class ConnectedAgent {
  readonly socket: WebSocket;
  readonly key: Uint8Array;
  readonly #inFlight: InFlight;
  readonly #counters: RelayCounters;
  #savedSlow: boolean;
  #held: HeldFrame[] = [];
  #heldBytes = 0;
  #patience: ReturnType<typeof setTimeout> | undefined;
  /** When this agent was last told that a peer is gone, by the peer's key in hex. */
  readonly #toldGone = new Map<string, number>();

  constructor(socket: WebSocket, capBytes: number, counters: RelayCounters) {
    const { key, isSlow } = socket.deserializeAttachment() as Attachment;
    this.socket = socket;
    this.key = key;
    this.#inFlight = new InFlight(capBytes, isSlow);
    this.#savedSlow = isSlow;
    this.#counters = counters;
  }

  /**
   * Sends a Receive frame if the agent's credit allows. Data over it waits for credit, in order, for a moment and bounded,
   * and is dropped then: a busy sender can keep the runtime from reading the very credits that let its data pass.
   */
  deliver(bytes: Uint8Array, bundleBytes: number): void {
    const mayPass = this.#held.length === 0 || bundleBytes <= CONTROL_LANE_BYTES;
    if (mayPass && this.#inFlight.admit(bundleBytes)) return this.#send(bytes);
    if (this.#heldBytes + bundleBytes > HELD_MOST_BYTES) return this.#drop(1);
    this.#held.push({ bytes, bundleBytes });
    this.#heldBytes += bundleBytes;
    this.#patience ??= setTimeout(() => this.#loseHeld(), HELD_MOST_MS);
  }

  credit(bytes: number): void {
    this.#inFlight.credit(bytes);
    this.#releaseHeld();
    this.#saveSlow();
  }

  /** Says that a peer is not connected, once a second at most. */
  tellGone(peer: Uint8Array, tag: string, now: number): void {
    if (now - (this.#toldGone.get(tag) ?? -Infinity) < GONE_INTERVAL_MS) return;
    if (this.#toldGone.size >= TOLD_GONE_MOST) this.#toldGone.clear();
    this.#toldGone.set(tag, now);
    this.socket.send(writePeerGone(peer, PeerGoneReason.notConnected));
  }

  #releaseHeld(): void {
    for (let next = this.#held[0]; next !== undefined; next = this.#held[0]) {
      if (!this.#inFlight.admit(next.bundleBytes)) return;
      this.#held.shift();
      this.#heldBytes -= next.bundleBytes;
      this.#send(next.bytes);
    }
    clearTimeout(this.#patience);
    this.#patience = undefined;
  }

  #loseHeld(): void {
    this.#drop(this.#held.length);
    this.#held = [];
    this.#heldBytes = 0;
    this.#patience = undefined;
  }

  #send(bytes: Uint8Array): void {
    this.#saveSlow();
    this.socket.send(bytes);
    this.#counters.forwarded++;
  }

  #drop(frames: number): void {
    this.#counters.congested += frames;
  }

  #saveSlow(): void {
    const { isSlow } = this.#inFlight;
    if (isSlow === this.#savedSlow) return;
    this.#savedSlow = isSlow;
    this.socket.serializeAttachment({ key: this.key, isSlow } satisfies Attachment);
  }
}
