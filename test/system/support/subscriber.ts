import { join } from "node:path";
import type { RealtimeChannel, RealtimeEvent, RealtimeServerMessage } from "#protocol/realtime.ts";
import type { Background } from "../../../tools/lab/background.ts";
import type { Host } from "../../../tools/lab/host.ts";

/** Somebody who listens to an org's live events from a host. */
export class Subscriber {
  readonly #process: Background;

  private constructor(process: Background) {
    this.#process = process;
  }

  static async start(
    host: Host,
    { url, orgId, token, channels }: { url: string; orgId: string; token: string; channels: RealtimeChannel[] },
  ): Promise<Subscriber> {
    Object.assign(host.environment, { URL: url, ORG_ID: orgId, TOKEN: token, CHANNELS: channels.join(",") });
    const process = host.start("node", [join(import.meta.dirname, "subscribe.ts")]);
    for (const name of ["URL", "ORG_ID", "TOKEN", "CHANNELS"]) delete host.environment[name];
    await process.prints(`"type":"subscribed"`);
    return new Subscriber(process);
  }

  get events(): RealtimeEvent[] {
    const lines = this.#process.stdout.split("\n").slice(0, -1);
    return lines.map((line) => JSON.parse(line) as RealtimeServerMessage).filter((message) => message.type === "event");
  }

  stop(): Promise<number> {
    return this.#process.stop();
  }
}
