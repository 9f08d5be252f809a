import { SELF } from "cloudflare:test";
import type { OwnSettings } from "#protocol/api/machines.ts";
import { CONTROL_PATH, type OrgMessage, readOrgMessage } from "#protocol/control/messages.ts";
import type { NetMap, NetMapDelta } from "#protocol/netmap.ts";
import { PROTOCOL_VERSION } from "#protocol/version.ts";
import { base } from "../support/api.ts";

/** A socket whose messages wait to be taken. */
export class Inbox<Message> {
  readonly socket: WebSocket;
  readonly #waiting: Message[] = [];
  #takers: ((message: Message) => void)[] = [];
  readonly closed: Promise<{ code: number; reason: string }>;

  constructor(socket: WebSocket, read: (text: string) => Message) {
    this.socket = socket;
    this.closed = new Promise((resolve) => {
      socket.addEventListener("close", ({ code, reason }) => resolve({ code, reason }));
    });
    socket.addEventListener("message", ({ data }) => {
      const message = read(String(data));
      const taker = this.#takers.shift();
      if (taker === undefined) this.#waiting.push(message);
      else taker(message);
    });
    socket.accept();
  }

  get pending(): number {
    return this.#waiting.length;
  }

  take(): Promise<Message> {
    const message = this.#waiting.shift();
    if (message !== undefined) return Promise.resolve(message);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error("no message came within 5 s")), 5000);
      this.#takers.push((taken) => {
        clearTimeout(timer);
        resolve(taken);
      });
    });
  }

  send(message: unknown): void {
    this.socket.send(JSON.stringify(message));
  }
}

export async function upgrade(path: string, headers: Record<string, string>): Promise<Response> {
  return await SELF.fetch(base + path, { headers: { upgrade: "websocket", ...headers } });
}

/** An agent's end of a control stream. */
export class Stream extends Inbox<OrgMessage> {
  static async open(nodeKey: string): Promise<Stream> {
    const { webSocket } = await upgrade(CONTROL_PATH, { authorization: `Bearer ${nodeKey}` });
    if (webSocket === null) throw new Error("no upgrade");
    return new Stream(webSocket, (text) => readOrgMessage(text)!);
  }

  /** Opens a stream, says hello and takes the map, leaving token and ticket taken too. */
  static async joined(nodeKey: string, publicKey: string): Promise<{ stream: Stream; map: NetMap }> {
    const stream = await Stream.open(nodeKey);
    stream.hello(publicKey);
    const map = await stream.takeMap();
    await stream.take();
    await stream.take();
    return { stream, map };
  }

  hello(
    publicKey: string,
    endpoints: string[] = [],
    settings?: OwnSettings,
    instance?: string,
    machineKeySignature?: string,
  ): void {
    this.send({
      type: "hello",
      protocol: PROTOCOL_VERSION,
      version: "0.1.0",
      wireguard_public_key: publicKey,
      endpoints,
      relay_region: null,
      ...(settings && { settings }),
      ...(instance && { instance }),
      ...(machineKeySignature && { machine_key_signature: machineKeySignature }),
    });
  }

  /** The next message of this type, whatever comes before it: changes in a burst are told a moment later. */
  async takeNext<T extends OrgMessage["type"]>(type: T): Promise<Extract<OrgMessage, { type: T }>> {
    for (;;) {
      const message = await this.take();
      if (message.type === type) return message as Extract<OrgMessage, { type: T }>;
    }
  }

  async takeMap(): Promise<NetMap> {
    const message = await this.take();
    if (message.type !== "map") throw new Error(`expected a map, got ${message.type}`);
    return message.map;
  }

  async takeDelta(): Promise<NetMapDelta> {
    const message = await this.take();
    if (message.type !== "delta") throw new Error(`expected a delta, got ${message.type}`);
    return message.delta;
  }
}
