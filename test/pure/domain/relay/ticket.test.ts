import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { signRelayTicket, verifyRelayTicket } from "#domain/relay/ticket.ts";

const secret = new Uint8Array(32).fill(1);
const hex = (bytes: number) =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((array) =>
    [...array].map((byte) => byte.toString(16).padStart(2, "0")).join("")
  );
const claims = fc.record({ tag: hex(8), key: hex(32), expiresAt: fc.integer({ min: 1, max: 4_102_444_800_000 }) });

describe("a relay ticket", () => {
  it("says what it was signed for until the moment it expires", () => {
    fc.assert(fc.property(claims, (each) => {
      const ticket = signRelayTicket(secret, each);
      expect(verifyRelayTicket(secret, ticket, each.expiresAt - 1)).toEqual(each);
      expect(verifyRelayTicket(secret, ticket, each.expiresAt)).toBeUndefined();
    }));
  });

  it("is worth nothing when any character is changed", () => {
    fc.assert(fc.property(claims, fc.nat(), fc.constantFrom(..."0123456789abcdefvz.- "), (each, at, character) => {
      const ticket = signRelayTicket(secret, each);
      const index = at % ticket.length;
      fc.pre(ticket[index] !== character);
      expect(verifyRelayTicket(secret, ticket.slice(0, index) + character + ticket.slice(index + 1), 0))
        .toBeUndefined();
    }));
  });

  it("is worth nothing under another secret, and neither is any other text", () => {
    fc.assert(fc.property(claims, fc.string(), (each, text) => {
      expect(verifyRelayTicket(new Uint8Array(32).fill(2), signRelayTicket(secret, each), 0)).toBeUndefined();
      expect(verifyRelayTicket(secret, text, 0)).toBeUndefined();
    }));
  });
});
