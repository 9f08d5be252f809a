import { env, SELF } from "cloudflare:test";
import { signRelayTicket } from "#domain/relay/ticket.ts";
import {
  appendPacket,
  FRAME_HEADER_BYTES,
  readBundle,
  readRelayToAgentFrame,
  relayPath,
  type RelayToAgentFrame,
  writeSendHeader,
} from "#protocol/relay/frames.ts";
import { readConfig } from "../../../worker/config.ts";
import { base } from "./api.ts";

/** A key that is easy to tell apart: 32 times the same byte. */
export function keyOf(byte: number): Uint8Array {
  return new Uint8Array(32).fill(byte);
}

export function ticketFor(orgTag: string, key: Uint8Array, expiresAt = Date.now() + 60_000): string {
  return signRelayTicket(readConfig(env).secret, { tag: orgTag, key: Buffer.from(key).toString("hex"), expiresAt });
}

export function askRelay(ticket: string | undefined, region = "blr1"): Promise<Response> {
  const headers: Record<string, string> = { upgrade: "websocket" };
  if (ticket !== undefined) headers["authorization"] = `Bearer ${ticket}`;
  return SELF.fetch(base + relayPath(region), { headers });
}

/** An agent's end of a relay socket that keeps everything it hears. */
export class RelayClient {
  readonly key: Uint8Array;
  readonly socket: WebSocket;
  readonly frames: RelayToAgentFrame[] = [];
  closeCode: number | undefined;
  #wake: () => void = () => {};

  constructor(key: Uint8Array, socket: WebSocket) {
    this.key = key;
    this.socket = socket;
    socket.binaryType = "arraybuffer";
    socket.addEventListener("message", ({ data }) => {
      const frame = typeof data === "string" ? undefined : readRelayToAgentFrame(new Uint8Array(data as ArrayBuffer));
      if (frame !== undefined) this.frames.push(frame);
      this.#wake();
    });
    socket.addEventListener("close", ({ code }) => {
      this.closeCode = code;
      this.#wake();
    });
    socket.accept();
  }

  static async open(orgTag: string, key: Uint8Array): Promise<RelayClient> {
    const response = await askRelay(ticketFor(orgTag, key));
    if (response.webSocket === null) throw new Error(`refused with HTTP ${response.status}`);
    return new RelayClient(key, response.webSocket);
  }

  send(destination: Uint8Array, ...packets: Uint8Array[]): void {
    this.socket.send(sendFrame(destination, ...packets));
  }

  /** Waits until `done` holds; fails after two seconds. */
  async until(done: () => boolean): Promise<void> {
    const deadline = Date.now() + 2000;
    while (!done()) {
      if (Date.now() > deadline) throw new Error(`heard only ${this.frames.map((frame) => frame.type).join(" ")}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        setTimeout(resolve, 20);
      });
    }
  }

  /** Waits for so many frames and returns them. */
  async hear(count: number): Promise<RelayToAgentFrame[]> {
    await this.until(() => this.frames.length >= count);
    return this.frames;
  }

  /** The packets of all bundles received. */
  get packets(): Uint8Array[] {
    return this.frames.flatMap((frame) => frame.type === "receive" ? [...readBundle(frame.bundle)] : []);
  }
}

export function sendFrame(destination: Uint8Array, ...packets: Uint8Array[]): Uint8Array {
  const size = packets.reduce((sum, packet) => sum + 2 + packet.length, FRAME_HEADER_BYTES);
  const frame = new Uint8Array(size);
  let offset = writeSendHeader(frame, destination);
  for (const packet of packets) offset = appendPacket(frame, offset, packet)!;
  return frame;
}
