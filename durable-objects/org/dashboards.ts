import * as v from "valibot";
import { errorCatalogue, type ErrorCode } from "#protocol/errors.ts";
import {
  CHANNELS_HEADER,
  CLOSE_IDLE,
  CLOSE_MEMBERSHIP,
  type RealtimeChannel,
  realtimeChannels,
  type RealtimeClientMessage,
  realtimeClientMessageSchema,
  type RealtimeEvent,
  type RealtimeServerMessage,
  USER_HEADER,
} from "#protocol/realtime.ts";
import type { Limits } from "#protocol/limits.ts";
import type { Change } from "./change.ts";
import { rowEvent, rowEvents } from "./row-events.ts";

/** What outlives hibernation with each dashboard's socket. */
interface Attachment {
  readonly kind: "realtime";
  readonly userId: string;
  readonly allowed: readonly RealtimeChannel[];
  readonly channels: readonly RealtimeChannel[];
  /** Milliseconds of the last message that woke us. */
  readonly heardAt: number;
  readonly broadcasts: { readonly windowEndsAt: number; readonly count: number };
}

type Dashboard = { readonly socket: WebSocket; readonly attachment: Attachment };

const TAG = "realtime";
const BROADCAST_WINDOW_MS = 60_000;

/** The open dashboards of an org and the events they subscribed to. */
export class Dashboards {
  readonly #ctx: DurableObjectState;
  readonly #limits: Limits;

  constructor(ctx: DurableObjectState, limits: Limits) {
    this.#ctx = ctx;
    this.#limits = limits;
  }

  get isAnyOpen(): boolean {
    return this.#open(TAG).length > 0;
  }

  /** Takes a socket that the Worker handed on, or answers 429 when the org has as many as it may. */
  accept(request: Request, now: number): Response {
    if (this.#open(TAG).length >= this.#limits.realtime_sockets_per_org) return new Response(null, { status: 429 });
    const { 0: client, 1: server } = new WebSocketPair();
    const named = (request.headers.get(CHANNELS_HEADER) ?? "").split(",");
    const allowed = realtimeChannels.filter((channel) => named.includes(channel));
    const userId = request.headers.get(USER_HEADER) ?? "";
    this.#ctx.acceptWebSocket(server, [TAG, tagOf(userId)]);
    const broadcasts = { windowEndsAt: 0, count: 0 };
    keep(server, { kind: "realtime", userId, allowed, channels: [], heardAt: now, broadcasts });
    send(server, { type: "connected", clientId: crypto.randomUUID(), availableChannels: allowed });
    return new Response(null, { status: 101, webSocket: client });
  }

  /** Answers false when the socket is not a dashboard's. */
  handleMessage(socket: WebSocket, text: string, now: number): boolean {
    const known = attachmentOf(socket);
    if (known === undefined) return false;
    const attachment = { ...known, heardAt: now };
    keep(socket, attachment);
    if (new TextEncoder().encode(text).byteLength > this.#limits.realtime_message_bytes) {
      refuse(socket, "PAYLOAD_TOO_LARGE", "Message is too large");
      return true;
    }
    const message = readMessage(text);
    if (message !== undefined) this.#handle({ socket, attachment }, message, now);
    return true;
  }

  /** Closes the sockets that were silent for too long; answers when the next one would be, if any is left. */
  closeIdle(now: number, idleMs: number): number | undefined {
    let next: number | undefined;
    for (const { socket, attachment } of this.#open(TAG)) {
      const answered = this.#ctx.getWebSocketAutoResponseTimestamp(socket)?.getTime() ?? 0;
      const dueAt = Math.max(attachment.heardAt, answered) + idleMs;
      if (dueAt <= now) socket.close(CLOSE_IDLE, "idle");
      else next = Math.min(next ?? Infinity, dueAt);
    }
    return next;
  }

  /** Sends the events of a committed change to those who subscribed. */
  tell(change: Change): void {
    const sockets = this.#open(TAG);
    if (sockets.length > 0) { for (const event of rowEvents(change)) publish(event, sockets); }
  }

  /** Sends an event that happened elsewhere. Whoever leaves the org, or gets another role, loses the sockets of before. */
  announce(event: RealtimeEvent): void {
    publish(event, this.#open(TAG));
    const { user_id: userId } = event.payload;
    if (event.channel !== "members" || event.event === "INSERT" || typeof userId !== "string") return;
    this.disconnect(userId, "membership changed");
  }

  /** Closes a person's sockets; those that may still listen come back. */
  disconnect(userId: string, why: string): void {
    for (const { socket } of this.#open(tagOf(userId))) socket.close(CLOSE_MEMBERSHIP, why);
  }

  #handle(from: Dashboard, message: RealtimeClientMessage, now: number): void {
    const { socket, attachment } = from;
    switch (message.type) {
      case "subscribe": {
        const wanted = [...attachment.channels, ...message.channels];
        const channels = attachment.allowed.filter((channel) => wanted.includes(channel));
        keep(socket, { ...attachment, channels });
        return send(socket, { type: "subscribed", channels });
      }
      case "ping":
        return send(socket, { type: "pong" });
      case "broadcast": {
        const payload = { from: attachment.userId, message: message.payload };
        return this.#broadcast(from, rowEvent("general", "INSERT", payload, now), now);
      }
    }
  }

  #broadcast({ socket, attachment }: Dashboard, event: RealtimeEvent, now: number): void {
    const { windowEndsAt, count } = attachment.broadcasts;
    const broadcasts = now < windowEndsAt
      ? { windowEndsAt, count: count + 1 }
      : { windowEndsAt: now + BROADCAST_WINDOW_MS, count: 1 };
    if (broadcasts.count > this.#limits.realtime_broadcasts_per_minute) return refuse(socket, "RATE_LIMITED");
    keep(socket, { ...attachment, broadcasts });
    publish(event, this.#open(TAG).filter((other) => other.socket !== socket));
  }

  #open(tag: string): Dashboard[] {
    return this.#ctx.getWebSockets(tag).flatMap((socket) => {
      const attachment = attachmentOf(socket);
      return attachment !== undefined && socket.readyState === WebSocket.OPEN ? [{ socket, attachment }] : [];
    });
  }
}

function tagOf(userId: string): string {
  return `user ${userId}`;
}

function attachmentOf(socket: WebSocket): Attachment | undefined {
  const attachment = socket.deserializeAttachment() as Attachment | { kind: "claim" | "control" } | null;
  return attachment?.kind === "realtime" ? attachment : undefined;
}

function keep(socket: WebSocket, attachment: Attachment): void {
  socket.serializeAttachment(attachment);
}

function readMessage(text: string): RealtimeClientMessage | undefined {
  try {
    const parsed = v.safeParse(realtimeClientMessageSchema, JSON.parse(text));
    return parsed.success ? parsed.output : undefined;
  } catch {
    return undefined;
  }
}

function publish(event: RealtimeEvent, dashboards: readonly Dashboard[]): void {
  const text = JSON.stringify(event);
  for (const { socket, attachment } of dashboards) {
    if (attachment.channels.includes(event.channel)) socket.send(text);
  }
}

function refuse(socket: WebSocket, code: ErrorCode, message: string = errorCatalogue[code].message): void {
  send(socket, { type: "error", code, message });
}

function send(socket: WebSocket, message: RealtimeServerMessage): void {
  socket.send(JSON.stringify(message));
}
