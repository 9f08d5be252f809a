import { describe, expect, it } from "vitest";
import { mayTakeOver, type NameHolder } from "#domain/auth-key/redeem.ts";

const holder: NameHolder = { machineKey: "key", connected: false, passing: false };

describe("a name that is held", () => {
  it.each<[string, Partial<NameHolder>, string | undefined, "name" | "machine_key", boolean]>([
    ["goes to the same machine key, be it connected or not", { connected: true }, "key", "machine_key", true],
    ["goes to another installation when its holder is away", {}, "other", "name", true],
    ["does not while its holder is connected", { connected: true }, "other", "name", false],
    ["does not where reregistration is machine_key", {}, "other", "machine_key", false],
    [
      "of an ephemeral machine goes to the next one of its key even there",
      { passing: true },
      "other",
      "machine_key",
      true,
    ],
    [
      "does not, ephemeral or not, while its holder is connected",
      { passing: true, connected: true },
      "other",
      "name",
      false,
    ],
    [
      "goes on from a machine without a machine key, connected or not",
      { machineKey: null, connected: true },
      undefined,
      "name",
      true,
    ],
  ])("%s", (_, changes, machineKey, reregistration, expected) => {
    expect(mayTakeOver({ ...holder, ...changes }, machineKey, reregistration)).toBe(expected);
  });
});
