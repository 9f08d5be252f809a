import { isMachineToken, verifyMachineToken } from "#domain/secrets/machine-token.ts";
import type { Caller } from "#protocol/api/endpoint.ts";
import { ZtnaError } from "#protocol/errors.ts";
import type { AppContext } from "../context.ts";
import { bearerToken } from "./bearer.ts";
import { requirePerson } from "./session.ts";

/** Finds out by the Authorization header who asks: a person or a machine. */
export async function identify(c: AppContext): Promise<void> {
  if (c.req.header("authorization") === undefined) throw new ZtnaError("UNAUTHORIZED");
  const token = bearerToken(c);
  if (token === undefined) throw new ZtnaError("UNAUTHORIZED", "Invalid or expired token");
  if (!isMachineToken(token)) return c.set("user", await requirePerson(c, token));
  const machine = verifyMachineToken(c.get("config").secret, token, Date.now());
  if (machine === undefined) throw new ZtnaError("UNAUTHORIZED", "Invalid or expired token");
  c.set("machine", machine);
}

/** Refuses a machine where only people are served. Whether it is still one of its org's is the org object's to say. */
export function admit(c: AppContext, caller: Caller): void {
  if (caller !== "user" || c.get("machine") === undefined) return;
  throw new ZtnaError("FORBIDDEN", "A machine may not do this. Log in as a person.");
}
