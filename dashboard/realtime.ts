import * as v from "valibot";
import { KEEPALIVE_PING } from "#protocol/control/messages.ts";
import type { OrgId } from "#protocol/ids.ts";
import {
  REALTIME_PATH,
  REALTIME_TOKEN_PROTOCOL,
  type RealtimeChannel,
  type RealtimeEvent,
  realtimeServerMessageSchema,
} from "#protocol/realtime.ts";

// The bare ping is answered without waking the org object.
const PING_MS = 30_000;
const SILENT_MS = 75_000;
const RETRY_MS = [500, 1000, 2000, 5000] as const;

export interface RealtimeListener {
  onEvent(event: RealtimeEvent): void;
  /** Called with true once events flow; whatever happened before has to be read again. */
  onLive(live: boolean): void;
}

/** The live events of one org: reconnects by itself until closed. */
export class RealtimeSocket {
  readonly #orgId: OrgId;
  readonly #channels: readonly RealtimeChannel[];
  readonly #freshToken: () => Promise<string>;
  readonly #listener: RealtimeListener;
  #socket: WebSocket | undefined;
  #attempt = 0;
  #heardAt = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #ping: ReturnType<typeof setInterval> | undefined;
  #opening = false;
  #closed = false;

  constructor(
    orgId: OrgId,
    channels: readonly RealtimeChannel[],
    freshToken: () => Promise<string>,
    listener: RealtimeListener,
  ) {
    this.#orgId = orgId;
    this.#channels = channels;
    this.#freshToken = freshToken;
    this.#listener = listener;
    addEventListener("online", this.#hurry);
    document.addEventListener("visibilitychange", this.#hurry);
    void this.#open();
  }

  close(): void {
    this.#closed = true;
    removeEventListener("online", this.#hurry);
    document.removeEventListener("visibilitychange", this.#hurry);
    clearTimeout(this.#retry);
    clearInterval(this.#ping);
    this.#socket?.close();
  }

  async #open(): Promise<void> {
    if (this.#opening) return;
    this.#opening = true;
    const token = await this.#freshToken().catch(() => undefined);
    this.#opening = false;
    if (token === undefined) return this.#again();
    if (this.#closed) return;
    const url = `${location.origin.replace(/^http/, "ws")}${REALTIME_PATH}?org_id=${this.#orgId}`;
    const socket = new WebSocket(url, `${REALTIME_TOKEN_PROTOCOL}${token}`);
    this.#socket = socket;
    socket.onopen = () => this.#begin(socket);
    socket.onmessage = ({ data }) => this.#hear(data);
    socket.onclose = () => {
      if (this.#socket === socket) this.#lose();
    };
  }

  #begin(socket: WebSocket): void {
    this.#heardAt = Date.now();
    socket.send(JSON.stringify({ type: "subscribe", channels: this.#channels }));
    clearInterval(this.#ping);
    this.#ping = setInterval(() => {
      if (Date.now() - this.#heardAt > SILENT_MS) this.#lose();
      else socket.send(KEEPALIVE_PING);
    }, PING_MS);
  }

  #hear(data: unknown): void {
    this.#heardAt = Date.now();
    const message = v.safeParse(realtimeServerMessageSchema, parseJson(data));
    if (!message.success || this.#closed) return;
    if (message.output.type === "event") this.#listener.onEvent(message.output);
    if (message.output.type !== "subscribed") return;
    this.#attempt = 0;
    this.#listener.onLive(true);
  }

  #lose(): void {
    clearInterval(this.#ping);
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close();
    if (this.#closed) return;
    this.#listener.onLive(false);
    this.#again();
  }

  #again(): void {
    if (this.#closed) return;
    const wait = RETRY_MS[Math.min(this.#attempt++, RETRY_MS.length - 1)] ?? 5000;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => void this.#open(), wait * (0.8 + Math.random() * 0.4));
  }

  /** Back online or back in view: do not wait for the timer. */
  readonly #hurry = (): void => {
    if (this.#closed || this.#socket !== undefined || document.visibilityState === "hidden") return;
    clearTimeout(this.#retry);
    void this.#open();
  };
}

function parseJson(data: unknown): unknown {
  try {
    return typeof data === "string" ? JSON.parse(data) : undefined;
  } catch {
    return undefined;
  }
}
