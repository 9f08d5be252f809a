import type { Hono } from "hono";
import { derpMap } from "#protocol/api/derp-map.ts";
import { relayRegions } from "../config.ts";
import type { AppEnv } from "../context.ts";
import { mount } from "../http/mount.ts";

export function derpMapRoutes(app: Hono<AppEnv>): void {
  mount(app, derpMap, (_, c) => ({ regions: relayRegions(c.get("config"), new URL(c.req.url).hostname) }));
  app.get("/derp/probe", (c) => c.text("ok"));
}
