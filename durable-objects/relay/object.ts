import { DurableObject } from "cloudflare:workers";

/** Carries frames between the agents of one org in one region. */
export class DerpRelay extends DurableObject<Env> {}
