import type { OrgMessage } from "#protocol/control/messages.ts";
import type { MachineId } from "#protocol/ids.ts";
import type { View } from "#protocol/netmap.ts";
import type { Claim } from "./claims.ts";

/** What outlives hibernation with each stream; a stream that was closed from here has none left. */
export interface Attachment {
  readonly kind: "control";
  readonly machineId: MachineId;
  readonly host: string;
  /** Milliseconds of the last message that woke us. */
  readonly heardAt: number;
  /** The map the agent has and what it sees; undefined before its hello. */
  readonly seq?: number;
  readonly view?: View;
  /** The start of an agent this stream belongs to, and those whose place it took. */
  readonly instance?: string | undefined;
  readonly displaced?: readonly string[];
  /** The agent came with a node key that a copy of it had replaced. */
  readonly reclaimed: boolean;
}

export interface OpenStream {
  readonly socket: WebSocket;
  readonly attachment: Attachment;
}

const TAG = "control";

/** The control streams that are open, and whose they are. */
export class OpenStreams {
  readonly #ctx: DurableObjectState;

  constructor(ctx: DurableObjectState) {
    this.#ctx = ctx;
  }

  accept(server: WebSocket, attachment: Attachment | Claim): void {
    this.#ctx.acceptWebSocket(server, [TAG, tagOf(attachment.machineId)]);
    server.serializeAttachment(attachment);
  }

  all(): OpenStream[] {
    return this.#tagged(TAG);
  }

  of(id: MachineId): OpenStream[] {
    return this.#tagged(tagOf(id));
  }

  /** The last sign of life over the stream of each machine that has one, in milliseconds. */
  lastHeard(): ReadonlyMap<MachineId, number> {
    const heard = new Map<MachineId, number>();
    for (const { socket, attachment: { machineId, heardAt } } of this.all()) {
      const answered = this.#ctx.getWebSocketAutoResponseTimestamp(socket)?.getTime() ?? 0;
      heard.set(machineId, Math.max(heard.get(machineId) ?? 0, heardAt, answered));
    }
    return heard;
  }

  #tagged(tag: string): OpenStream[] {
    return this.#ctx.getWebSockets(tag).flatMap((socket) => {
      const attachment = attachmentOf(socket);
      return attachment !== undefined && socket.readyState === WebSocket.OPEN ? [{ socket, attachment }] : [];
    });
  }
}

export function attachmentOf(socket: WebSocket): Attachment | undefined {
  const attachment = socket.deserializeAttachment() as Attachment | { kind: "claim" | "realtime" } | null;
  return attachment?.kind === "control" ? attachment : undefined;
}

/** Closes a stream from here; what still comes from it is no longer heard. */
export function retire(socket: WebSocket, code: number, reason: string): void {
  socket.serializeAttachment(null);
  socket.close(code, reason);
}

export function send(socket: WebSocket, message: OrgMessage): void {
  socket.send(JSON.stringify(message));
}

function tagOf(id: MachineId): string {
  return `machine ${id}`;
}
