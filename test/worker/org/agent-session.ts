import type { OrgMessage } from "#protocol/control/messages.ts";
import type { NetMap } from "#protocol/netmap.ts";
import { ControlSession, type SessionAction } from "../../../agent/control/session.ts";
import { Stream } from "./inbox.ts";

/** An agent's own session machine on real streams: it keeps its map from one to the next. */
export class AgentSession {
  lastResumed: OrgMessage & { type: "resumed" } | undefined;
  readonly #nodeKey: string;
  readonly #session: ControlSession;
  #stream: Stream | undefined;
  #started = false;

  constructor(nodeKey: string, publicKey: string, map?: NetMap) {
    this.#nodeKey = nodeKey;
    this.#session = new ControlSession({
      wireguardPublicKey: publicKey as never,
      version: "0.1.0",
      instance: crypto.randomUUID(),
      map,
      random: () => 0,
    });
  }

  get map(): NetMap {
    return this.#session.map!;
  }

  /** Opens a stream and listens until the map is up to date; answers by which message it got so, and its size. */
  async connect(): Promise<{ type: string; bytes: number }> {
    if (this.#started) this.#do((out) => this.#session.handleTimeout(Infinity, out));
    else this.#do((out) => this.#session.handleStart({ endpoints: [], relayRegion: null }, 0, out));
    this.#started = true;
    this.#stream = await Stream.open(this.#nodeKey);
    this.#do((out) => this.#session.handleOpen(0, out));
    for (;;) {
      const message = await this.#hear();
      const bytes = JSON.stringify(message).length;
      if (message.type === "map" || message.type === "resumed") return { type: message.type, bytes };
    }
  }

  /** Listens until a message of this type has come. */
  async hear(type: OrgMessage["type"]): Promise<void> {
    while ((await this.#hear()).type !== type);
  }

  /** Loses the stream, as when the network fails; the control plane sees it a moment later. */
  hangUp(): void {
    this.#stream?.socket.close(1000, "gone");
    this.#do((out) => this.#session.handleClosed({ code: 1006 }, 0, out));
  }

  async #hear(): Promise<OrgMessage> {
    const message = await this.#stream!.take();
    if (message.type === "resumed") this.lastResumed = message;
    this.#do((out) => this.#session.handleMessage(JSON.stringify(message), 0, out));
    return message;
  }

  #do(work: (out: SessionAction[]) => void): void {
    const out: SessionAction[] = [];
    work(out);
    for (const action of out) if (action.type === "send") this.#stream?.send(action.message);
  }
}
