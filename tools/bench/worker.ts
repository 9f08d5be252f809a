import { Hono } from "hono";
import { app } from "../../worker/app.ts";

export { OrgObject } from "../../durable-objects/org/object.ts";
export { DerpRelay } from "../../durable-objects/relay/object.ts";

/** The real Worker with two routes beside it to compare with: no storage at all, and one plain row into D1. */
const bench = new Hono<{ Bindings: Env }>();

bench.post("/bench/hello", async (c) => c.json({ success: true, data: await c.req.json(), error: null }));

bench.post("/bench/d1", async (c) => {
  const { name } = await c.req.json<{ name: string }>();
  const row = c.env.DB.prepare("INSERT INTO bench (id, name, created_at) VALUES (?, ?, ?)");
  await row.bind(crypto.randomUUID(), name, Date.now()).run();
  return c.json({ success: true, data: null, error: null });
});

bench.all("*", (c) => app.fetch(c.req.raw, c.env, c.executionCtx));

export default bench;
