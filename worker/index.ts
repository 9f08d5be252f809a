import { app } from "./app.ts";

export { OrgObject } from "../durable-objects/org/object.ts";
export { DerpRelay } from "../durable-objects/relay/object.ts";

export default { fetch: app.fetch } satisfies ExportedHandler<Env>;
