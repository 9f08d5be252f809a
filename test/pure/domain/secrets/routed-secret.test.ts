import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { mintRoutedSecret, RANDOM_BYTES, routingTagOf } from "#domain/secrets/routed-secret.ts";

const root = new Uint8Array(32).fill(7);
const random = fc.uint8Array({ minLength: RANDOM_BYTES, maxLength: RANDOM_BYTES });
const tag = fc.string({ unit: fc.constantFrom(..."0123456789abcdef"), minLength: 16, maxLength: 16 });

describe("a secret that routes itself", () => {
  it("is 64 hex digits and leads back to its org", () => {
    fc.assert(fc.property(tag, random, (tag, random) => {
      const secret = mintRoutedSecret(root, "auth-key", tag, random);
      expect(secret).toMatch(/^[0-9a-f]{64}$/);
      expect(routingTagOf(root, "auth-key", secret)).toBe(tag);
    }));
  });

  it("is worth nothing for another purpose or under another root", () => {
    fc.assert(fc.property(tag, random, (tag, random) => {
      const secret = mintRoutedSecret(root, "auth-key", tag, random);
      expect(routingTagOf(root, "node-key", secret)).toBeUndefined();
      expect(routingTagOf(new Uint8Array(32), "auth-key", secret)).toBeUndefined();
    }));
  });

  it("does not survive a change of any digit of its tag or its code", () => {
    fc.assert(fc.property(tag, random, fc.integer({ min: 40, max: 63 }), (tag, random, at) => {
      const secret = mintRoutedSecret(root, "auth-key", tag, random);
      const digit = secret[at] === "0" ? "1" : "0";
      expect(routingTagOf(root, "auth-key", secret.slice(0, at) + digit + secret.slice(at + 1))).toBeUndefined();
    }));
  });

  it("is not seen in any other text", () => {
    fc.assert(fc.property(fc.string({ maxLength: 80 }), (text) => {
      expect(routingTagOf(root, "auth-key", text)).toBeUndefined();
    }));
  });
});
