import { type Reply, ZtnaError } from "#protocol/errors.ts";

/** The value of a Durable Object's reply; its refusal becomes the error it was. */
export function unwrap<T>(reply: Reply<T>): T {
  if (reply.ok) return reply.value;
  throw new ZtnaError(reply.code, reply.message, { details: reply.details });
}
