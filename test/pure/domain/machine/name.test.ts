import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { machineName } from "#domain/machine/name.ts";
import { cleanTags, grantTags } from "#domain/machine/tags.ts";
import { ZtnaError } from "#protocol/errors.ts";

const anyText = fc.oneof(fc.string({ maxLength: 120 }), fc.string({ unit: "binary", maxLength: 120 }));

function nameOrRefusal(text: string): string | ZtnaError {
  try {
    return machineName(text);
  } catch (error) {
    if (error instanceof ZtnaError) return error;
    throw error;
  }
}

describe("a machine's name", () => {
  it("is plain text of 1 to 100 characters, or a refusal", () => {
    fc.assert(fc.property(anyText, (text) => {
      const name = nameOrRefusal(text);
      if (name instanceof ZtnaError) expect(name.code).toBe("INVALID_INPUT");
      else expect(name).toMatch(/^[A-Za-z0-9._-]([A-Za-z0-9._ -]{0,98}[A-Za-z0-9._-])?$/);
    }));
  });

  it("stays as it is once it was cleaned", () => {
    fc.assert(fc.property(anyText, (text) => {
      const name = nameOrRefusal(text);
      if (!(name instanceof ZtnaError)) expect(machineName(name)).toBe(name);
    }));
  });

  it("keeps what hosts are called", () => {
    for (const name of ["Win-A", "linux-c.example.com", "e2e_server-1", "Anna MacBook"]) {
      expect(machineName(name)).toBe(name);
    }
  });
});

describe("tags", () => {
  it("lose their prefix, what is malformed and what is there twice", () => {
    expect(cleanTags(["tag:web", "web", " db ", "no spaces", "", "tag:", "x".repeat(51), "tag:tag:x"])).toEqual([
      "web",
      "db",
    ]);
  });

  it("are granted only as far as the key allows", () => {
    fc.assert(fc.property(fc.array(fc.string()), fc.array(fc.string()), (claimed, allowed) => {
      const granted = grantTags(claimed, allowed);
      expect(granted.every((tag) => allowed.includes(tag))).toBe(true);
    }));
    expect(grantTags(["a", "b"], null)).toEqual(["a", "b"]);
    expect(grantTags(["a", "b"], [])).toEqual([]);
  });
});
