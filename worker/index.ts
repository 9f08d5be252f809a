import { app } from "./app.ts";
import { runScheduled } from "./scheduled.ts";

export { OrgObject } from "../durable-objects/org/object.ts";
export { DerpRelay } from "../durable-objects/relay/object.ts";

export default {
  fetch: app.fetch,
  scheduled: (_, env) => runScheduled(env, Date.now()),
} satisfies ExportedHandler<Env>;
