import type { ClientRequest, IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { WebSocket } from "ws";
import { KEEPALIVE_PING, KEEPALIVE_PONG } from "#protocol/control/messages.ts";
import { type ErrorCode, isErrorCode } from "#protocol/errors.ts";
import { connectThroughProxy, proxyFor } from "./proxy.ts";

export interface SocketHandlers {
  onOpen(): void;
  onText?(text: string): void;
  /** The bytes are the handler's only until it returns. */
  onBinary?(bytes: Uint8Array): void;
  /** Called exactly once, unless `close` was called before. */
  onClosed(end: SocketClosed): void;
}

export interface SocketClosed {
  readonly code?: number | undefined;
  readonly reason?: string | undefined;
  /** What the server answered instead of an upgrade. */
  readonly refusal?: { readonly code: ErrorCode; readonly message: string } | undefined;
  readonly retryAfterMs?: number | undefined;
}

export interface SocketTimings {
  readonly openMs: number;
  /** After this much silence a keepalive is sent … */
  readonly keepaliveMs: number;
  /** … and without an answer in this time the socket counts as dead. */
  readonly answerMs: number;
}

export const SOCKET_TIMINGS: SocketTimings = { openMs: 10_000, keepaliveMs: 25_000, answerMs: 10_000 };

/** An end that the other side has said counts, whether or not it then ends the TCP connection. Its types do not know it yet. */
const closing = { closeTimeout: 2_000 };
const REFUSAL_BYTES = 65_536;
const FRAME_BYTES = 4 * 1024 * 1024;

/** One WebSocket client with a keepalive of plain text that hibernating servers answer in their sleep. */
export class AgentWebSocket {
  #socket: WebSocket | undefined;
  readonly #timings: SocketTimings;
  #handlers: SocketHandlers | undefined;
  #refusal: Pick<SocketClosed, "refusal" | "retryAfterMs"> = {};
  #heardAt = performance.now();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    url: string,
    bearer: string,
    handlers: SocketHandlers,
    timings: SocketTimings = SOCKET_TIMINGS,
  ) {
    this.#handlers = handlers;
    this.#timings = timings;
    const proxy = proxyFor(new URL(url), Deno.env);
    if (proxy === undefined) this.#open(url, bearer, undefined);
    else {
      connectThroughProxy(proxy, new URL(url), timings.openMs).then(
        (through) => this.#handlers === undefined ? through.destroy() : this.#open(url, bearer, through),
        (error: Error) => this.#ended({ reason: error.message }),
      );
    }
  }

  get isOpen(): boolean {
    return this.#handlers !== undefined && this.#socket?.readyState === WebSocket.OPEN;
  }

  /** Bytes that were sent but have not left for the kernel. */
  get bufferedBytes(): number {
    return this.#socket?.bufferedAmount ?? 0;
  }

  sendText(text: string): void {
    if (this.isOpen) this.#socket?.send(text);
  }

  /** The bytes may be used again when this returns: masking copies them. */
  sendBinary(bytes: Uint8Array): void {
    if (this.isOpen) this.#socket?.send(bytes, { binary: true });
  }

  /** Handlers are not called any more. */
  close(): void {
    this.#handlers = undefined;
    clearTimeout(this.#timer);
    const socket = this.#socket;
    if (socket?.readyState !== WebSocket.OPEN) return socket?.terminate();
    socket.close(1000);
  }

  #open(url: string, bearer: string, through: Socket | undefined): void {
    const socket = new WebSocket(url.replace(/^http/, "ws"), {
      headers: { authorization: `Bearer ${bearer}` },
      handshakeTimeout: this.#timings.openMs,
      perMessageDeflate: false,
      followRedirects: false,
      maxPayload: FRAME_BYTES,
      ...closing,
      ...(through === undefined ? {} : { createConnection: () => through }),
    });
    this.#socket = socket;
    socket.on("open", () => this.#opened());
    socket.on("message", (data: Uint8Array, binary) => this.#received(data, binary));
    socket.on("unexpected-response", (request, response) => this.#refused(request, response));
    socket.on("error", (error) => this.#ended({ reason: error.message }));
    socket.on("close", (code, reason) => this.#ended({ code, reason: reason.toString() }));
  }

  #opened(): void {
    this.#heardAt = performance.now();
    this.#watch();
    this.#handlers?.onOpen();
  }

  #received(data: Uint8Array, binary: boolean): void {
    this.#heardAt = performance.now();
    if (binary) return this.#handlers?.onBinary?.(data);
    const text = new TextDecoder().decode(data);
    if (text !== KEEPALIVE_PONG) this.#handlers?.onText?.(text);
  }

  /** One timer that looks how long it was silent, instead of one that is set anew for each message. */
  #watch(): void {
    const { keepaliveMs, answerMs } = this.#timings;
    const silentMs = performance.now() - this.#heardAt;
    if (silentMs >= keepaliveMs + answerMs) {
      return this.#ended({ reason: "no answer to a keepalive" });
    }
    const asks = silentMs >= keepaliveMs;
    if (asks) this.sendText(KEEPALIVE_PING);
    this.#timer = setTimeout(() => this.#watch(), asks ? answerMs : keepaliveMs - silentMs + 1);
  }

  #refused(request: ClientRequest, response: IncomingMessage): void {
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    const finish = () => {
      this.#refusal = readRefusal(response, new TextDecoder().decode(concat(chunks, bytes)));
      request.destroy();
      this.#ended({ reason: `HTTP ${response.statusCode}` });
    };
    response.on("data", (chunk: Uint8Array) => {
      if ((bytes += chunk.length) <= REFUSAL_BYTES) chunks.push(chunk);
      else response.destroy();
    });
    response.on("end", finish);
    response.on("error", finish);
    response.on("close", finish);
  }

  #ended(end: SocketClosed): void {
    const handlers = this.#handlers;
    if (handlers === undefined) return;
    this.#handlers = undefined;
    clearTimeout(this.#timer);
    if (this.#socket?.readyState !== WebSocket.CLOSED) this.#socket?.terminate();
    handlers.onClosed({ ...end, ...this.#refusal });
  }
}

function readRefusal(response: IncomingMessage, body: string): Pick<SocketClosed, "refusal" | "retryAfterMs"> {
  const seconds = Number(response.headers["retry-after"] ?? Number.NaN);
  const wait = Number.isFinite(seconds) && seconds >= 0 ? { retryAfterMs: seconds * 1000 } : {};
  try {
    const { error } = JSON.parse(body) as { error?: { code?: unknown; message?: unknown } };
    const { code, message } = error ?? {};
    if (typeof code === "string" && isErrorCode(code)) return { ...wait, refusal: { code, message: String(message) } };
  } catch {
    // Not our envelope: a proxy or another server answered.
  }
  return wait;
}

function concat(chunks: readonly Uint8Array[], bytes: number): Uint8Array {
  const out = new Uint8Array(Math.min(bytes, REFUSAL_BYTES));
  let offset = 0;
  for (const chunk of chunks) {
    out.set(chunk, offset);
    offset += chunk.length;
  }
  return out;
}
