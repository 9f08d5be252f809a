import * as v from "valibot";
import { endpoint } from "./endpoint.ts";

/**
 * Does at once what time alone makes of the machines and keys of the caller's orgs, where they are an admin. Nobody needs
 * to call it: each org's own alarm does the same.
 */
export const enforceKeyExpiry = endpoint({
  method: "POST",
  path: "/api/enforce-key-expiry",
  caller: "user",
  request: v.object({}),
  response: v.object({
    /** Machines that were silent for too long and are offline now. */
    expired_count: v.number(),
    ephemeral_cleaned: v.number(),
  }),
  refusals: ["UNAUTHORIZED", "FORBIDDEN"],
});
