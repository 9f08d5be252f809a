import { DurableObject } from "cloudflare:workers";
import { CONTROL_PATH, KEEPALIVE_PING, KEEPALIVE_PONG } from "#protocol/control/messages.ts";
import { type Config, readConfig } from "../../worker/config.ts";
import type { Change } from "./change.ts";
import { OrgClock } from "./clock.ts";
import { ControlStreams } from "./control-streams.ts";
import { Dashboards } from "./dashboards.ts";
import { Ledger } from "./ledger.ts";

/** What wakes an org's object apart from questions: sockets and its alarm. It puts the parts together that live in it. */
export class OrgHost extends DurableObject<Env> {
  protected readonly config: Config;
  protected readonly ledger: Ledger;
  protected readonly streams: ControlStreams;
  protected readonly dashboards: Dashboards;
  protected readonly clock: OrgClock;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const config = readConfig(env);
    const ledger = new Ledger(ctx.storage, config.timings, (change) => this.#publish(change));
    const dashboards = new Dashboards(ctx, config.limits);
    const streams = new ControlStreams({
      ctx,
      config,
      read: () => ledger.org("INVALID_NODE_KEY"),
      write: (work) => ledger.write(work),
    });
    this.config = config;
    this.ledger = ledger;
    this.streams = streams;
    this.dashboards = dashboards;
    this.clock = new OrgClock({ storage: ctx.storage, db: env.DB, config, ledger, streams, dashboards });
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(KEEPALIVE_PING, KEEPALIVE_PONG));
  }

  /** Upgrades that the Worker has admitted. */
  override fetch(request: Request): Response {
    const now = Date.now();
    if (new URL(request.url).pathname === CONTROL_PATH) return this.streams.accept(request);
    if (!this.ledger.isOpen) return new Response(null, { status: 404 });
    this.clock.listen(now);
    return this.dashboards.accept(request, now);
  }

  override webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): void {
    if (typeof message !== "string") return;
    const now = Date.now();
    if (!this.dashboards.handleMessage(socket, message, now)) this.streams.handleMessage(socket, message);
    // Afterwards, because whoever speaks is there.
    this.clock.look(now);
  }

  override webSocketClose(socket: WebSocket): void {
    this.streams.handleClose(socket);
  }

  override webSocketError(socket: WebSocket): void {
    this.streams.handleClose(socket);
  }

  override alarm(): Promise<void> {
    return this.clock.ring();
  }

  #publish(change: Change): void {
    this.clock.tell(change);
    this.streams.tell(change);
    this.dashboards.tell(change);
  }
}
