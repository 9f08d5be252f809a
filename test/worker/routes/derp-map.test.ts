import { SELF } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { call } from "#protocol/api/call.ts";
import { derpMap } from "#protocol/api/derp-map.ts";
import { base, selfFetch } from "../support/api.ts";

describe("the relay map", () => {
  it("lists four regions of this deploy in order of preference, to anyone", async () => {
    const { regions } = await call(selfFetch, base, derpMap, {});
    expect(regions.map(({ region_code, priority }) => [region_code, priority])).toEqual([
      ["blr1", 10],
      ["nyc1", 20],
      ["lon1", 30],
      ["sfo3", 40],
    ]);
    expect(new Set(regions.map(({ hostname }) => hostname))).toEqual(new Set(["ztna.test"]));
  });

  it("points at a probe that answers", async () => {
    expect((await SELF.fetch(`${base}/derp/probe`)).status).toBe(200);
  });
});
