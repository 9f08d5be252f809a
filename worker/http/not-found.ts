import type { Hono } from "hono";
import { ZtnaError } from "#protocol/errors.ts";
import type { AppContext, AppEnv } from "../context.ts";

const methods = ["DELETE", "GET", "PATCH", "POST"] as const;

/** Refuses a path nobody serves, and a method nobody serves on a path that has others. */
export function refuseUnknown(app: Hono<AppEnv>): (c: AppContext) => never {
  return (c) => {
    const allowed = methods.filter((method) => isServed(app, method, c.req.path));
    if (allowed.length === 0) throw new ZtnaError("NOT_FOUND");
    c.header("allow", allowed.join(", "));
    throw new ZtnaError("METHOD_NOT_ALLOWED");
  };
}

function isServed(app: Hono<AppEnv>, method: string, path: string): boolean {
  const [handlers] = app.router.match(method, path);
  return handlers.some(([[, route]]) => route.method === method);
}
