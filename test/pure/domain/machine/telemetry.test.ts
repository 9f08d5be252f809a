import { describe, expect, it } from "vitest";
import { latenciesToKeep } from "#domain/machine/telemetry.ts";

const stored = { blr1: 12.5, fra1: 140 };

describe("derp_latencies of a machine", () => {
  it.each([
    ["that wobble are not written", { blr1: 22, fra1: 95 }, false],
    ["that doubled are written", { blr1: 30, fra1: 140 }, true],
    ["that fell by more than half are written", { blr1: 12.5, fra1: 60 }, true],
    ["of a new region are written", { ...stored, nyc1: 200 }, true],
    ["without a region that was there are written", { blr1: 12.5 }, true],
  ])("%s", (_, reported, written) => {
    expect(latenciesToKeep(stored, reported as never)).toBe(written ? reported : stored);
  });

  it("are written when there were none", () => {
    expect(latenciesToKeep(null, stored)).toBe(stored);
  });
});
