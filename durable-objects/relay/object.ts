import { DurableObject } from "cloudflare:workers";
import { CLOSE_REPLACED, KEEPALIVE_PING, KEEPALIVE_PONG } from "#protocol/control/messages.ts";
import {
  ADMITTED_KEY_HEADER,
  FRAME_CAP_BYTES,
  readAgentToRelayFrame,
  turnIntoReceive,
  writePong,
} from "#protocol/relay/frames.ts";
import { readConfig } from "../../worker/config.ts";
import { type Attachment, ConnectedAgent, type RelayCounters } from "./agent.ts";

const CLOSE_TOO_BIG = 1009;

/**
 * Carries frames between the agents of one org in one region. Sockets hibernate, tagged by WireGuard key in hex; all fields
 * are caches that may vanish. Nothing is stored and nothing of a bundle is read.
 */
export class DerpRelay extends DurableObject<Env> {
  readonly #agents = new Map<string, ConnectedAgent>();
  readonly #counters: RelayCounters = { forwarded: 0, congested: 0, gone: 0, malformed: 0 };
  readonly #capBytes: number;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#capBytes = readConfig(env).limits.relay_bytes_in_flight;
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(KEEPALIVE_PING, KEEPALIVE_PONG));
  }

  /** Takes the socket of an agent that the Worker has admitted; an older one of the same key is closed. */
  override fetch(request: Request): Response {
    const tag = request.headers.get(ADMITTED_KEY_HEADER)!;
    for (const older of this.ctx.getWebSockets(tag)) older.close(CLOSE_REPLACED, "replaced");
    this.#agents.delete(tag);
    const { 0: client, 1: server } = new WebSocketPair();
    server.binaryType = "arraybuffer";
    this.ctx.acceptWebSocket(server, [tag]);
    server.serializeAttachment({ key: bytesOf(tag), isSlow: false } satisfies Attachment);
    return new Response(null, { status: 101, webSocket: client });
  }

  override webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): void {
    if (typeof message === "string") return this.#countMalformed();
    if (message.byteLength > FRAME_CAP_BYTES) return socket.close(CLOSE_TOO_BIG, "frame too big");
    const sender = this.#agentOf(socket);
    if (sender === undefined) return;
    const bytes = new Uint8Array(message);
    const frame = readAgentToRelayFrame(bytes);
    if (frame === undefined) this.#countMalformed();
    else if (frame.type === "send") this.#forward(sender, frame.destination, bytes, frame.bundleBytes);
    else if (frame.type === "credit") sender.credit(frame.bytes);
    else socket.send(writePong(frame.data));
  }

  override webSocketClose(socket: WebSocket): void {
    const [tag] = this.ctx.getTags(socket);
    if (tag !== undefined && this.#agents.get(tag)?.socket === socket) this.#agents.delete(tag);
    socket.close();
  }

  override webSocketError(socket: WebSocket): void {
    this.webSocketClose(socket);
  }

  readCounters(): RelayCounters {
    return { ...this.#counters };
  }

  #forward(sender: ConnectedAgent, destination: Uint8Array, bytes: Uint8Array, bundleBytes: number): void {
    const tag = hexOf(destination);
    const receiver = this.#agentAt(tag);
    if (receiver === undefined) {
      this.#counters.gone++;
      return sender.tellGone(destination, tag, Date.now());
    }
    turnIntoReceive(bytes, sender.key);
    receiver.deliver(bytes, bundleBytes);
  }

  #countMalformed(): void {
    this.#counters.malformed++;
  }

  #agentOf(socket: WebSocket): ConnectedAgent | undefined {
    const agent = this.#agentAt(this.ctx.getTags(socket)[0]!);
    // A replaced socket may still deliver what it had under way; it no longer speaks for the key.
    return agent?.socket === socket ? agent : undefined;
  }

  #agentAt(tag: string): ConnectedAgent | undefined {
    const known = this.#agents.get(tag);
    if (known !== undefined && known.socket.readyState === WebSocket.OPEN) return known;
    const socket = this.ctx.getWebSockets(tag).find((each) => each.readyState === WebSocket.OPEN);
    if (socket === undefined) return undefined;
    const agent = new ConnectedAgent(socket, this.#capBytes, this.#counters);
    this.#agents.set(tag, agent);
    return agent;
  }
}

function hexOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString("hex");
}

function bytesOf(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, "hex"));
}
