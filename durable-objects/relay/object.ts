import { DurableObject } from "cloudflare:workers";
import { InFlight } from "#domain/relay/in-flight.ts";
import { CLOSE_REPLACED, KEEPALIVE_PING, KEEPALIVE_PONG } from "#protocol/control/messages.ts";
import {
  ADMITTED_KEY_HEADER,
  type AgentToRelayFrame,
  FRAME_CAP_BYTES,
  PeerGoneReason,
  readAgentToRelayFrame,
  turnIntoReceive,
  writePeerGone,
  writePong,
} from "#protocol/relay/frames.ts";
import { readConfig } from "../../worker/config.ts";

export interface RelayCounters {
  forwarded: number;
  /** Bundles dropped because their receiver had too much in flight. */
  congested: number;
  /** Bundles to keys that are not connected. */
  gone: number;
  malformed: number;
}

/** What outlives hibernation with each socket. */
interface Attachment {
  readonly key: Uint8Array;
  readonly isSlow: boolean;
}

/** One connected agent, as long as the object is awake. */
interface Agent {
  readonly socket: WebSocket;
  readonly key: Uint8Array;
  readonly inFlight: InFlight;
  savedSlow: boolean;
  /** When this agent was last told that a peer is gone, by the peer's key in hex. */
  readonly toldGone: Map<string, number>;
}

const GONE_INTERVAL_MS = 1000;
const TOLD_GONE_MOST = 1000;
const CLOSE_TOO_BIG = 1009;

/**
 * Carries frames between the agents of one org in one region. Sockets hibernate, tagged by WireGuard key in hex; all fields
 * are caches that may vanish. Nothing is stored and nothing of a bundle is read.
 */
export class DerpRelay extends DurableObject<Env> {
  readonly #agents = new Map<string, Agent>();
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
    else if (frame.type === "send") this.#forward(sender, frame, bytes);
    else if (frame.type === "credit") this.#credit(sender, frame.bytes);
    else sender.socket.send(writePong(frame.data));
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

  #forward(sender: Agent, frame: AgentToRelayFrame & { type: "send" }, bytes: Uint8Array): void {
    const tag = hexOf(frame.destination);
    const receiver = this.#agentAt(tag);
    if (receiver === undefined) return this.#tellGone(sender, tag, frame.destination);
    const buffered = (receiver.socket as { bufferedAmount?: number }).bufferedAmount ?? 0;
    if (buffered > 2 * this.#capBytes || !receiver.inFlight.admit(frame.bundleBytes)) {
      this.#counters.congested++;
      return;
    }
    this.#save(receiver);
    turnIntoReceive(bytes, sender.key);
    receiver.socket.send(bytes);
    this.#counters.forwarded++;
  }

  #credit(agent: Agent, bytes: number): void {
    agent.inFlight.credit(bytes);
    this.#save(agent);
  }

  #save(agent: Agent): void {
    const { isSlow } = agent.inFlight;
    if (isSlow === agent.savedSlow) return;
    agent.savedSlow = isSlow;
    agent.socket.serializeAttachment({ key: agent.key, isSlow } satisfies Attachment);
  }

  #tellGone(sender: Agent, tag: string, peer: Uint8Array): void {
    this.#counters.gone++;
    const now = Date.now();
    if (now - (sender.toldGone.get(tag) ?? -Infinity) < GONE_INTERVAL_MS) return;
    if (sender.toldGone.size >= TOLD_GONE_MOST) sender.toldGone.clear();
    sender.toldGone.set(tag, now);
    sender.socket.send(writePeerGone(peer, PeerGoneReason.notConnected));
  }

  #countMalformed(): void {
    this.#counters.malformed++;
  }

  #agentOf(socket: WebSocket): Agent | undefined {
    const agent = this.#agentAt(this.ctx.getTags(socket)[0]!);
    // A replaced socket may still deliver what it had under way; it no longer speaks for the key.
    return agent?.socket === socket ? agent : undefined;
  }

  #agentAt(tag: string): Agent | undefined {
    const known = this.#agents.get(tag);
    if (known !== undefined && known.socket.readyState === WebSocket.OPEN) return known;
    const socket = this.ctx.getWebSockets(tag).find((each) => each.readyState === WebSocket.OPEN);
    if (socket === undefined) return undefined;
    const { key, isSlow } = socket.deserializeAttachment() as Attachment;
    const inFlight = new InFlight(this.#capBytes, isSlow);
    const agent = { socket, key, inFlight, savedSlow: isSlow, toldGone: new Map<string, number>() };
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
