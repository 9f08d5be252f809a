import { app } from "./app.ts";
import { readConfig } from "./config.ts";
import { database } from "./db/database.ts";
import { sweepExpired } from "./db/sweep.ts";

export { OrgObject } from "../durable-objects/org/object.ts";
export { DerpRelay } from "../durable-objects/relay/object.ts";

export default {
  fetch: app.fetch,
  scheduled: (_, env) => sweepExpired(database({ env }), Date.now(), readConfig(env).timings.audit_retention_s * 1000),
} satisfies ExportedHandler<Env>;
