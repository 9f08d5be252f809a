import type { RelayTicket } from "#protocol/netmap.ts";
import { RelaySocket } from "./relay-socket.ts";
import type { SocketClosed } from "./web-socket.ts";

export interface RelayPoolOptions {
  readonly origin: string;
  onDatagram(source: Uint8Array, bytes: Uint8Array): void;
  onPeerGone(peer: Uint8Array): void;
  /** A connection came or went. */
  onChange(): void;
  /** A connection needs a ticket and there is no valid one. */
  onTicketWanted(): void;
  /** The pause before the next attempt after so many failed ones, jitter included. */
  pauseMs(failures: number, atLeastMs: number): number;
}

interface Connection {
  readonly region: string;
  socket: RelaySocket | undefined;
  failures: number;
  timer: ReturnType<typeof setTimeout> | undefined;
  usedAt: number;
}

/** A connection to another region than the own one is closed after so long without a packet to send. */
const IDLE_MS = 300_000;
const TICKET_MARGIN_MS = 10_000;

/** The relay connections of one agent: its home region always, and the regions of the peers it sends to. */
export class RelayPool {
  readonly #options: RelayPoolOptions;
  readonly #connections = new Map<string, Connection>();
  #home: string | undefined;
  #ticket: { text: string; endsAt: number } | undefined;
  #dropped = 0;

  constructor(options: RelayPoolOptions) {
    this.#options = options;
  }

  get isHomeOpen(): boolean {
    return this.#home !== undefined && this.#connections.get(this.#home)?.socket?.isOpen === true;
  }

  get failures(): number {
    return this.#home === undefined ? 0 : this.#connections.get(this.#home)?.failures ?? 0;
  }

  setHome(region: string | undefined): void {
    if (region === this.#home) return;
    this.#home = region;
    if (region !== undefined) this.#connection(region);
  }

  /** A fresh ticket: everything that waited for one connects. */
  setTicket(ticket: RelayTicket): void {
    this.#ticket = { text: ticket.ticket, endsAt: performance.now() + ticket.expires_in * 1000 };
    for (const connection of this.#connections.values()) {
      if (connection.socket === undefined && connection.timer === undefined) this.#connect(connection, true);
    }
  }

  send(region: string, destination: Uint8Array, packet: Uint8Array): void {
    this.#socketFor(region)?.send(destination, packet);
  }

  sendControl(region: string, destination: Uint8Array, packet: Uint8Array): void {
    this.#socketFor(region)?.sendControl(destination, packet);
  }

  forget(destination: Uint8Array): void {
    for (const { socket } of this.#connections.values()) socket?.forget(destination);
  }

  /** Connections may be dead without knowing it, after a sleep: make them anew. */
  reconnect(): void {
    for (const connection of this.#connections.values()) {
      this.#disconnect(connection);
      connection.failures = 0;
      this.#connect(connection, false);
    }
  }

  /** Packets that found no open connection. */
  get dropped(): number {
    let sum = this.#dropped;
    for (const { socket } of this.#connections.values()) sum += socket?.counters.dropped ?? 0;
    return sum;
  }

  closeIdle(now: number): void {
    for (const connection of this.#connections.values()) {
      if (connection.region === this.#home || now - connection.usedAt < IDLE_MS) continue;
      this.#disconnect(connection);
      this.#connections.delete(connection.region);
    }
  }

  close(): void {
    for (const connection of this.#connections.values()) this.#disconnect(connection);
    this.#connections.clear();
    this.#home = undefined;
  }

  #socketFor(region: string): RelaySocket | undefined {
    const connection = this.#connection(region);
    connection.usedAt = performance.now();
    if (connection.socket === undefined) this.#dropped++;
    return connection.socket;
  }

  #connection(region: string): Connection {
    let connection = this.#connections.get(region);
    if (connection === undefined) {
      connection = { region, socket: undefined, failures: 0, timer: undefined, usedAt: performance.now() };
      this.#connections.set(region, connection);
      this.#connect(connection, false);
    }
    return connection;
  }

  /** A ticket just received is used however soon it ends. */
  #connect(connection: Connection, fresh: boolean): void {
    const ticket = this.#ticket;
    if (ticket === undefined || (!fresh && ticket.endsAt - TICKET_MARGIN_MS < performance.now())) {
      return this.#options.onTicketWanted();
    }
    const { origin, onDatagram, onPeerGone, onChange } = this.#options;
    const socket: RelaySocket = new RelaySocket(origin, connection.region, ticket.text, {
      onOpen: () => {
        connection.failures = 0;
        onChange();
      },
      onDatagram,
      onPeerGone,
      onClosed: (end) => this.#closed(connection, socket, end),
    });
    connection.socket = socket;
  }

  #closed(connection: Connection, socket: RelaySocket, end: SocketClosed): void {
    if (connection.socket !== socket) return;
    this.#dropped += socket.counters.dropped;
    connection.socket = undefined;
    if (end.refusal?.code === "INVALID_TICKET") this.#ticket = undefined;
    const pause = this.#options.pauseMs(connection.failures++, end.retryAfterMs ?? 0);
    connection.timer = setTimeout(() => {
      connection.timer = undefined;
      this.#connect(connection, false);
    }, pause);
    this.#options.onChange();
  }

  #disconnect(connection: Connection): void {
    clearTimeout(connection.timer);
    connection.timer = undefined;
    this.#dropped += connection.socket?.counters.dropped ?? 0;
    connection.socket?.close();
    connection.socket = undefined;
  }
}
