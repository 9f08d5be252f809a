import type { AppContext } from "../context.ts";

/** The credential of `Authorization: Bearer`, or undefined when there is none of that form. */
export function bearerToken(c: AppContext): string | undefined {
  return /^Bearer ([^ ]+)$/i.exec(c.req.header("authorization") ?? "")?.[1];
}
