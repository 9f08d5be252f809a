import { Hono } from "hono";
import { app } from "../../../worker/app.ts";
import { OrgObject as RealOrgObject } from "../../../durable-objects/org/object.ts";
import type { Tally } from "./tally.ts";

export { DerpRelay } from "../../../durable-objects/relay/object.ts";

/** Kept beside the objects, so that it outlives their hibernation. */
let tally: Tally = { requests: 0, alarms: 0, rowsWritten: 0 };
const realNow = Date.now;
/** How far the clock was put on, and since which real moment. */
const shifts: { readonly since: number; readonly byMs: number }[] = [{ since: 0, byMs: 0 }];
Date.now = () => shifted(realNow());

/** The org object on a clock that can be put on, with everything it is asked and writes counted. */
export class OrgObject extends RealOrgObject {
  constructor(ctx: DurableObjectState, env: Env) {
    watch(ctx);
    super(ctx, env);
  }

  override fetch(request: Request): Response {
    tally.requests += 1;
    return super.fetch(request);
  }

  override webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): void {
    tally.requests += 1;
    super.webSocketMessage(socket, message);
  }

  override webSocketClose(socket: WebSocket): void {
    tally.requests += 1;
    super.webSocketClose(socket);
  }

  override alarm(): Promise<void> {
    tally.alarms += 1;
    return super.alarm();
  }

  /** Does what the alarm does when its time has come on our clock; answers when the next one will ring. */
  async ringWhenDue(): Promise<number | null> {
    const { storage } = this.ctx;
    const dueAt = await storage.getAlarm();
    if (dueAt === null || dueAt > Date.now()) return dueAt;
    await storage.deleteAlarm();
    await this.alarm();
    return await storage.getAlarm();
  }
}

const bench = new Hono<{ Bindings: Env }>();

bench.post("/bench/read", (c) => {
  const read = tally;
  tally = { requests: 0, alarms: 0, rowsWritten: 0 };
  return c.json(read);
});

/** Puts the clock on and has the org do what falls due. */
bench.post("/bench/put-on/:tag/:ms", async (c) => {
  shifts.push({ since: realNow(), byMs: shifts.at(-1)!.byMs + Number(c.req.param("ms")) });
  const org = c.env.ORG.getByName(c.req.param("tag")) as DurableObjectStub<OrgObject>;
  const nextAt = await org.ringWhenDue();
  return c.json({ next_alarm_in_ms: nextAt === null ? null : nextAt - Date.now() });
});

bench.all("*", (c) => app.fetch(c.req.raw, c.env, c.executionCtx));

export default bench;

/** Counts the rows of every statement and each setting of the alarm, which is billed as one; moves the times of answered keep-alives onto our clock. */
function watch(ctx: DurableObjectState): void {
  const { storage } = ctx;
  const exec = storage.sql.exec.bind(storage.sql);
  const setAlarm = storage.setAlarm.bind(storage);
  const answeredAt = ctx.getWebSocketAutoResponseTimestamp.bind(ctx);
  Object.defineProperty(storage.sql, "exec", {
    value: (statement: string, ...bindings: unknown[]) => {
      const cursor = exec(statement, ...bindings);
      tally.rowsWritten += cursor.rowsWritten;
      return cursor;
    },
  });
  Object.defineProperty(storage, "setAlarm", {
    value: (time: number) => {
      tally.rowsWritten += 1;
      return setAlarm(time);
    },
  });
  Object.defineProperty(ctx, "getWebSocketAutoResponseTimestamp", {
    value: (socket: WebSocket) => {
      const time = answeredAt(socket)?.getTime();
      return time === undefined ? null : new Date(shifted(time));
    },
  });
}

function shifted(time: number): number {
  return time + shifts.findLast(({ since }) => since <= time)!.byMs;
}
