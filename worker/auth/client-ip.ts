import type { AppContext } from "../context.ts";

/** The caller's address: `cf-connecting-ip`, then `x-real-ip`, then the first of `x-forwarded-for`. */
export function clientIp(c: AppContext): string {
  return c.req.header("cf-connecting-ip") ?? c.req.header("x-real-ip") ??
    c.req.header("x-forwarded-for")?.split(",")[0]?.trim() ?? "unknown";
}
