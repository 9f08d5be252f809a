import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { orgSlug } from "#domain/org/slug.ts";

const anyText = fc.array(fc.integer({ min: 0, max: 0x10ffff })).map((points) => String.fromCodePoint(...points));

describe("an org's slug", () => {
  it.each([
    ["Acme", "acme"],
    ["Äcme & Söhne GmbH", "acme-sohne-gmbh"],
    ["  --x--  ", "x"],
    ["日本", ""],
    [`${"a".repeat(39)} b`, "a".repeat(39)],
  ])("of %j is %j", (name, slug) => expect(orgSlug(name)).toBe(slug));

  it("is a DNS label or empty, whatever the name", () => {
    fc.assert(fc.property(anyText, (name) => {
      expect(orgSlug(name)).toMatch(/^([a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?)?$/);
    }));
  });
});
