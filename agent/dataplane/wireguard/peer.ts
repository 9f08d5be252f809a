import { Cell, cellOffset, type Path, type PeerCells, type PeerIndex } from "../link.ts";
import type { DirectSearch } from "../path/direct-search.ts";
import { CookieJar } from "./cookies.ts";
import type { PendingInitiation, Remote } from "./handshake.ts";
import type { PeerConfig } from "./outbox.ts";
import { KEEPALIVE_TIMEOUT_MS, REJECT_AFTER_MS, REKEY_TIMEOUT_MS } from "./session.ts";
import type { Timed } from "./timer-queue.ts";

export interface PeerParts {
  readonly index: PeerIndex;
  readonly config: PeerConfig;
  readonly cells: PeerCells;
  readonly direct: DirectSearch;
}

/** What the control thread knows of one peer. */
export class Peer implements Timed {
  readonly index: PeerIndex;
  readonly cookies: CookieJar;
  readonly direct: DirectSearch;
  config: PeerConfig;
  path: Path = { via: "none" };
  pending: PendingInitiation | undefined;
  /** True when the pending initiation went to UDP addresses only, to find a direct path. */
  pendingDirect = false;
  attempts = 0;
  /** When to try again or look at the timers; Infinity for never. */
  retryAt = Infinity;
  lastHandshakeAt = 0;
  /** Of the last initiation that was taken, and when that was (whitepaper 5.1, 5.4.2). */
  lastTimestamp = new Uint8Array(12);
  lastInitiationAt = -Infinity;
  /** Wall-clock milliseconds in the last initiation that was sent. */
  lastSentTimestamp = 0;
  /** Local indices of this peer's sessions and pending initiation, oldest first. */
  readonly localIndices: number[] = [];
  queuedAt = Infinity;
  readonly #cells: PeerCells;
  readonly #createRemote: () => Remote | undefined;
  #remote: Remote | undefined;

  constructor({ index, config, cells, direct }: PeerParts, createRemote: () => Remote | undefined) {
    this.index = index;
    this.config = config;
    this.direct = direct;
    this.cookies = new CookieJar(config.publicKey);
    this.#cells = cells;
    this.#createRemote = createRemote;
  }

  /** Worked out when first needed: most peers of a large network are never spoken to. Undefined for a key of low order. */
  get remote(): Remote | undefined {
    return this.#remote ??= this.#createRemote();
  }

  get wakeAt(): number {
    return Math.min(this.retryAt, this.direct.at);
  }

  /** Waits for the answer to an initiation that may use any way. */
  get waiting(): boolean {
    return this.pending !== undefined && !this.pendingDirect;
  }

  /** It is not on a direct path, and there are addresses to try. */
  get wantsDirect(): boolean {
    return this.path.via !== "udp" && this.config.endpoints.length > 0;
  }

  get hasSession(): boolean {
    return this.lastHandshakeAt > 0;
  }

  cell(cell: number): number {
    return this.#cells[cellOffset(this.index, cell)]!;
  }

  countHandshake(): void {
    this.#cells[cellOffset(this.index, Cell.handshakes)]!++;
  }

  /** The other end answered a handshake: as good a sign of life as a packet (whitepaper 6.5). */
  hear(now: number): void {
    this.#cells[cellOffset(this.index, Cell.unansweredSince)] = 0;
    this.#cells[cellOffset(this.index, Cell.lastReceived)] = now;
  }

  /** What was sent has gone unanswered for too long (whitepaper 6.5): the session or the path may be dead. */
  isUnanswered(now: number): boolean {
    const since = this.cell(Cell.unansweredSince);
    return since > 0 && now - since >= KEEPALIVE_TIMEOUT_MS + REKEY_TIMEOUT_MS;
  }

  /** Data came and nothing was sent since (whitepaper 6.5, passive keepalive). */
  owesKeepalive(now: number): boolean {
    const received = this.cell(Cell.lastDataReceived);
    return received > this.cell(Cell.lastSent) && now - received >= KEEPALIVE_TIMEOUT_MS;
  }

  /** The persistent keepalive is due. */
  isQuietTooLong(now: number): boolean {
    return this.#everyMs > 0 && now - this.#lastSign >= this.#everyMs;
  }

  /** The keys are too old to lie about (whitepaper 6.3). */
  isExpired(now: number): boolean {
    return this.hasSession && now - this.lastHandshakeAt >= 3 * REJECT_AFTER_MS;
  }

  /** Arms the timer for what can come next; an idle peer has none, and the data thread says when it is active again. */
  schedule(now: number): void {
    if (this.waiting) return;
    const unanswered = this.cell(Cell.unansweredSince);
    const received = this.cell(Cell.lastDataReceived);
    const sent = this.cell(Cell.lastSent);
    let at = Infinity;
    if (unanswered > 0) at = Math.min(at, unanswered + KEEPALIVE_TIMEOUT_MS + REKEY_TIMEOUT_MS);
    if (received > sent) at = Math.min(at, received + KEEPALIVE_TIMEOUT_MS);
    if (this.#everyMs > 0) at = Math.min(at, this.#lastSign + this.#everyMs);
    if (this.hasSession) at = Math.min(at, this.lastHandshakeAt + 3 * REJECT_AFTER_MS);
    const quiet = now - this.#lastSign > KEEPALIVE_TIMEOUT_MS + REKEY_TIMEOUT_MS;
    if (quiet && unanswered === 0) this.#cells[cellOffset(this.index, Cell.armed)] = 0;
    else at = Math.min(at, now + KEEPALIVE_TIMEOUT_MS);
    this.retryAt = at === Infinity ? at : Math.max(at, now + SOONEST_MS);
  }

  clearPending(): void {
    if (this.pending === undefined) return;
    this.pending.ephemeral.destroy();
    this.pending.state.destroy();
    this.pending = undefined;
    this.pendingDirect = false;
  }

  /** The end of this peer: secrets are zeroed, timers stop. */
  forget(): void {
    this.clearPending();
    this.#remote?.staticSecret.fill(0);
    this.retryAt = Infinity;
    this.direct.stop();
  }

  get #everyMs(): number {
    return (this.config.persistentKeepaliveS ?? 0) * 1000;
  }

  /** When anything was last sent or received. */
  get #lastSign(): number {
    return Math.max(this.cell(Cell.lastSent), this.cell(Cell.lastReceived));
  }
}

const SOONEST_MS = 100;
