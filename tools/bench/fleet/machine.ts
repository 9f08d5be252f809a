import { WebSocket } from "ws";
import { CONTROL_PATH, KEEPALIVE_PING, KEEPALIVE_PONG, type OrgMessage } from "#protocol/control/messages.ts";
import { ControlSession, type SessionAction } from "../../../agent/control/session.ts";
import type { Enrolled } from "./fleet.ts";

/** After this much silence an agent sends a keep-alive. */
export const KEEPALIVE_MS = 25_000;

/** An agent's control stream without the agent: its own session machine on a socket, and a clock that is handed in. */
export class SimulatedMachine {
  /** Bytes of the whole map it got. */
  mapBytes = 0;
  /** What the session had to say since it was live. */
  messagesSent = 0;
  heartbeats = 0;
  /** Called instead of the session while a change is on its way; the session gets the messages afterwards. */
  onDelta: ((bytes: number) => void) | undefined;
  readonly #socket: WebSocket;
  readonly #session: ControlSession;
  readonly #unread: string[] = [];
  #pongWanted: (() => void) | undefined;
  #live: () => void = () => {};
  #isLive = false;
  readonly #now: () => number;
  readonly #keepAlives: NodeJS.Timeout;

  private constructor(url: string, { nodeKey, wireguardPublicKey }: Enrolled, now: () => number) {
    this.#now = now;
    const instance = crypto.randomUUID();
    this.#session = new ControlSession({ wireguardPublicKey, version: "0.1.0", instance, random: Math.random });
    this.#socket = new WebSocket(url.replace(/^http/, "ws") + CONTROL_PATH, {
      headers: { authorization: `Bearer ${nodeKey}` },
      perMessageDeflate: false,
    });
    this.#socket.on("open", () => this.#do((out) => this.#session.handleOpen(now(), out)));
    this.#socket.on("message", (data: Buffer) => this.#hear(data));
    // In real time: on a busy host the rounds take longer than silence may.
    this.#keepAlives = setInterval(() => this.#ping(), KEEPALIVE_MS).unref();
  }

  /** Opens the stream; resolves once the session is live and has its ticket. */
  static open(url: string, enrolled: Enrolled, endpoint: string, now: () => number): Promise<SimulatedMachine> {
    return new Promise((settle, fail) => {
      const machine = new SimulatedMachine(url, enrolled, now);
      machine.#live = () => settle(machine);
      machine.#socket.on("error", fail);
      machine.#socket.on("close", (code, reason) => fail(new Error(`stream closed: ${code} ${reason}`)));
      machine.#do((out) => machine.#session.handleStart({ endpoints: [endpoint], relayRegion: "blr1" }, now(), out));
    });
  }

  /** Moves the machine to another address: one change of the org's map. */
  move(endpoint: string): void {
    this.#do((out) => this.#session.handleOwnAddresses({ endpoints: [endpoint], relayRegion: "blr1" }, out));
  }

  /** Lets the session read what came while it was not listening. */
  catchUp(): void {
    this.onDelta = undefined;
    for (const text of this.#unread.splice(0)) this.#read(text);
  }

  /** A keep-alive as the agent sends it after a silence; resolves with the answer. */
  keepAlive(): Promise<void> {
    return new Promise((settle) => {
      this.#pongWanted = settle;
      this.#ping();
    });
  }

  /** Has the session do what is due on the clock. */
  passTime(): void {
    const dueAt = this.#session.nextTimeout();
    if (dueAt !== undefined && dueAt <= this.#now()) this.#do((out) => this.#session.handleTimeout(this.#now(), out));
  }

  /** Says goodbye and resolves once the socket is closed. */
  close(): Promise<void> {
    clearInterval(this.#keepAlives);
    return new Promise((settle) => {
      this.#socket.removeAllListeners("close").once("close", () => settle());
      this.#do((out) => this.#session.handleBye(this.#now(), out));
    });
  }

  #ping(): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(KEEPALIVE_PING);
  }

  #hear(data: Buffer): void {
    const text = data.toString();
    if (text === KEEPALIVE_PONG) return this.#pongWanted?.();
    if (this.onDelta !== undefined) {
      this.onDelta(data.length);
      this.#unread.push(text);
    } else this.#read(text);
  }

  #read(text: string): void {
    if (text.startsWith(`{"type":"map"`)) this.mapBytes = text.length;
    this.#do((out) => this.#session.handleMessage(withoutPeers(text), this.#now(), out));
    if (!this.#isLive && text.startsWith(`{"type":"ticket"`)) {
      this.#isLive = true;
      this.#live();
    }
  }

  #do(work: (out: SessionAction[]) => void): void {
    const out: SessionAction[] = [];
    work(out);
    for (const action of out) {
      if (action.type === "send") this.#socket.send(JSON.stringify(action.message));
      if (action.type === "socket.close") this.#socket.close(1000);
      if (action.type === "send" && this.#isLive) this.messagesSent += 1;
      if (action.type === "heartbeat") this.heartbeats += 1;
    }
  }
}

/** A thousand whole maps of a thousand peers would not fit into one process: the sessions here do without the peers. */
function withoutPeers(text: string): string {
  if (!text.startsWith(`{"type":"map"`)) return text;
  const message = JSON.parse(text) as OrgMessage & { type: "map" };
  return JSON.stringify({ ...message, map: { ...message.map, peers: [] } });
}
