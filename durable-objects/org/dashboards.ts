import * as v from "valibot";
import {
  CHANNELS_HEADER,
  CLOSE_IDLE,
  type RealtimeChannel,
  realtimeChannels,
  type RealtimeClientMessage,
  realtimeClientMessageSchema,
  type RealtimeEvent,
  type RealtimeServerMessage,
} from "#protocol/realtime.ts";
import type { Change, MachineChange } from "./change.ts";
import { auditOf } from "./store/audit.ts";
import { authKeyOf } from "./store/auth-keys.ts";
import { machineOf, type MachineRow } from "./store/machines.ts";

/** What outlives hibernation with each dashboard's socket. */
interface Attachment {
  readonly kind: "realtime";
  readonly allowed: readonly RealtimeChannel[];
  readonly channels: readonly RealtimeChannel[];
  /** Milliseconds of the last message that woke us. */
  readonly heardAt: number;
}

const TAG = "realtime";
const MOST_MESSAGE_CHARS = 4_096;

/** The open dashboards of an org and the events they subscribed to. */
export class Dashboards {
  readonly #ctx: DurableObjectState;

  constructor(ctx: DurableObjectState) {
    this.#ctx = ctx;
  }

  get count(): number {
    return this.#sockets().length;
  }

  /** Takes a socket that the Worker handed on. */
  accept(request: Request, now: number): Response {
    const { 0: client, 1: server } = new WebSocketPair();
    const named = (request.headers.get(CHANNELS_HEADER) ?? "").split(",");
    const allowed = realtimeChannels.filter((channel) => named.includes(channel));
    this.#ctx.acceptWebSocket(server, [TAG]);
    server.serializeAttachment({ kind: "realtime", allowed, channels: [], heardAt: now } satisfies Attachment);
    send(server, { type: "connected", clientId: crypto.randomUUID(), availableChannels: allowed });
    return new Response(null, { status: 101, webSocket: client });
  }

  /** Answers false when the socket is not a dashboard's. */
  handleMessage(socket: WebSocket, text: string, now: number): boolean {
    const attachment = attachmentOf(socket);
    if (attachment === undefined) return false;
    const message = readMessage(text);
    const asked = message?.type === "subscribe" ? message.channels : [];
    const channels = attachment.allowed.filter((channel) =>
      attachment.channels.includes(channel) || asked.includes(channel)
    );
    socket.serializeAttachment({ ...attachment, channels, heardAt: now } satisfies Attachment);
    if (message?.type === "subscribe") send(socket, { type: "subscribed", channels: [...channels] });
    if (message?.type === "ping") send(socket, { type: "pong" });
    return true;
  }

  /** Closes the sockets that were silent for too long; answers when the next one would be, if any is left. */
  closeIdle(now: number, idleMs: number): number | undefined {
    let next: number | undefined;
    for (const { socket, attachment } of this.#sockets()) {
      const answered = this.#ctx.getWebSocketAutoResponseTimestamp(socket)?.getTime() ?? 0;
      const dueAt = Math.max(attachment.heardAt, answered) + idleMs;
      if (dueAt <= now) socket.close(CLOSE_IDLE, "idle");
      else next = Math.min(next ?? Infinity, dueAt);
    }
    return next;
  }

  /** Sends the events of a committed change to those who subscribed. */
  tell(change: Change): void {
    const sockets = this.#sockets();
    if (sockets.length === 0) return;
    for (const event of eventsOf(change)) {
      const text = JSON.stringify(event);
      for (const { socket, attachment } of sockets) {
        if (attachment.channels.includes(event.channel)) socket.send(text);
      }
    }
  }

  #sockets(): { socket: WebSocket; attachment: Attachment }[] {
    return this.#ctx.getWebSockets(TAG).flatMap((socket) => {
      const attachment = attachmentOf(socket);
      return attachment !== undefined && socket.readyState === WebSocket.OPEN ? [{ socket, attachment }] : [];
    });
  }
}

function eventsOf({ org, now, machines, deleted, keys, audits }: Change): RealtimeEvent[] {
  const timestamp = new Date(now).toISOString();
  const event = (
    channel: RealtimeChannel,
    kind: RealtimeEvent["event"],
    payload: RealtimeEvent["payload"],
  ): RealtimeEvent => ({ type: "event", channel, event: kind, payload, timestamp });
  return [
    ...machines.filter(isNoteworthy).map(({ before, after }) =>
      event("machines", before === undefined ? "INSERT" : "UPDATE", machineOf(after, org.id))
    ),
    ...deleted.map((row) => event("machines", "DELETE", machineOf(row, org.id))),
    ...keys.map(({ event: kind, row }) => event("keys", kind, authKeyOf(row, org.id))),
    ...audits.map((row) => event("audit", "INSERT", auditOf(row, org.id))),
  ];
}

/** An agent's new endpoints or home relay are news to its peers, not to people. */
function isNoteworthy({ before, after }: MachineChange): boolean {
  return before === undefined || before.status !== after.status || before.name !== after.name ||
    before.public_key !== after.public_key || before.admin_disabled !== after.admin_disabled ||
    before.node_key_hash !== after.node_key_hash || before.tags !== after.tags || settings(before) !== settings(after);
}

/** What people decide of a machine. */
function settings(row: MachineRow): string {
  return [
    row.key_expiry_disabled,
    row.shields_up,
    row.ssh_enabled,
    row.accept_routes,
    row.advertise_exit_node,
    row.exit_node_approved,
    row.advertised_routes,
    row.approved_routes,
  ].join(" ");
}

function attachmentOf(socket: WebSocket): Attachment | undefined {
  const attachment = socket.deserializeAttachment() as Attachment | { kind: "control" } | null;
  return attachment?.kind === "realtime" ? attachment : undefined;
}

function readMessage(text: string): RealtimeClientMessage | undefined {
  if (text.length > MOST_MESSAGE_CHARS) return undefined;
  try {
    const parsed = v.safeParse(realtimeClientMessageSchema, JSON.parse(text));
    return parsed.success ? parsed.output : undefined;
  } catch {
    return undefined;
  }
}

function send(socket: WebSocket, message: RealtimeServerMessage): void {
  socket.send(JSON.stringify(message));
}
