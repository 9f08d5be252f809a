import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isInPrefixes, isIpPrefix } from "#domain/addressing/ip-prefix.ts";

describe("an IP prefix", () => {
  it("contains exactly its addresses", () => {
    const cases: [string, string, boolean][] = [
      ["10.1.2.3", "10.0.0.0/8", true],
      ["11.0.0.0", "10.0.0.0/8", false],
      ["10.1.2.3", "10.1.2.3", true],
      ["10.1.2.4", "10.1.2.3", false],
      ["255.255.255.255", "0.0.0.0/0", true],
      ["2001:db8::1", "2001:db8::/32", true],
      ["2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "2001:DB8::/32", true],
      ["2001:db9::", "2001:db8::/32", false],
      ["::1", "::/0", true],
      ["::1", "0.0.0.0/0", false],
      ["1.2.3.4", "::/0", false],
      ["::ffff:10.1.2.3", "10.0.0.0/8", true],
      ["64:ff9b::1.2.3.4", "64:ff9b::102:304", true],
      ["unknown", "0.0.0.0/0", false],
      ["10.0.0.0/8", "10.0.0.0/8", false],
    ];
    for (const [address, prefix, inside] of cases) expect(isInPrefixes(address, [prefix]), address).toBe(inside);
  });

  it("is refused in any other form", () => {
    const texts = [
      "",
      "/",
      "/8",
      "10/8",
      "10.0.0.0/",
      "10.0.0.0/33",
      "10.0.0.0/8/8",
      ":::",
      "1::2::3",
      "1:2:3:4:5:6:7",
      "::/129",
    ];
    for (const text of [...texts, "1:2:3:4:5:6:7:8:9", "12345::", "1.2.3.4::", "::1.2.3.400", "fe80::1%eth0"]) {
      expect(isIpPrefix(text), text).toBe(false);
    }
    expect(["::", "1::", "::1/128", "1:2:3:4:5:6:7::"].every(isIpPrefix)).toBe(true);
  });

  it("never makes hostile text throw", () => {
    fc.assert(fc.property(fc.string(), fc.string(), (address, prefix) => {
      expect(typeof isInPrefixes(address, [prefix])).toBe("boolean");
    }));
  });
});
