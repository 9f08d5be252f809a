import * as v from "valibot";
import { orgIdSchema } from "../ids.ts";
import { endpoint } from "./endpoint.ts";
import { registerMachine } from "./machines.ts";

const { auth_key: _, tags, ...machine } = registerMachine.request.entries;

/** A person enrols the machine they sit at. Same machine key, or same name and owner, is the same machine. */
export const clientSetup = endpoint({
  method: "POST",
  path: "/api/client-setup",
  caller: "user",
  request: v.object({
    org_id: orgIdSchema,
    /** `machine_key_signature` is over `setupStatement` here. */
    ...machine,
    /** Absent leaves those of a known machine as they are. */
    tags: v.optional(v.unwrap(tags)),
  }),
  response: v.object({
    ...registerMachine.response.entries,
    /** For plain `wg-quick`: the interface and every peer that is online. */
    wg_config: v.string(),
  }),
  refusals: [
    "UNAUTHORIZED",
    "FORBIDDEN",
    "RATE_LIMITED",
    "MISSING_FIELDS",
    "INVALID_INPUT",
    "QUOTA_EXCEEDED",
    "REGISTRATION_CONFLICT",
  ],
});
