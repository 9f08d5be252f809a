import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readIpv4, readIpv4Prefix, showIpv4 } from "#domain/addressing/ipv4.ts";
import { leaseAddress, type PoolState } from "#domain/addressing/pool.ts";

const address = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const smallPool = fc.tuple(address, fc.integer({ min: 22, max: 32 })).map(([start, bits]) =>
  `${showIpv4(start)}/${bits}`
);
const lease: "lease" | number = "lease";
/** Lease an address, or give back the n-th one leased. */
const steps = fc.array(fc.oneof({ weight: 3, arbitrary: fc.constant(lease) }, { weight: 1, arbitrary: fc.nat(50) }), {
  maxLength: 300,
});

/** The lowest free address by looking at all of them. */
function lowestFree(pool: string, leased: ReadonlySet<number>): number | undefined {
  const { first, last } = readIpv4Prefix(pool)!;
  for (let candidate = first + 1; candidate < last; candidate++) {
    if (candidate !== readIpv4("100.100.100.100") && !leased.has(candidate)) return candidate;
  }
  return undefined;
}

function playAgainstModel(pool: string, script: readonly ("lease" | number)[]): void {
  const leased = new Set<number>();
  const released = new Set<number>();
  let state: PoolState = { next: 0, lowestReleased: undefined };
  for (const step of script) {
    if (step !== "lease") {
      const given = [...leased][step];
      if (given === undefined) continue;
      leased.delete(given);
      released.add(given);
    } else {
      const lease = leaseAddress(pool, state);
      expect(lease?.address).toBe(lowestFree(pool, leased));
      if (lease === undefined) continue;
      leased.add(lease.address);
      released.delete(lease.address);
      state = { ...state, next: lease.next };
    }
    state = { ...state, lowestReleased: released.size === 0 ? undefined : Math.min(...released) };
  }
}

describe("an address pool", () => {
  it("always leases the lowest free address, whatever is given back", () => {
    fc.assert(fc.property(smallPool, steps, playAgainstModel));
  });

  it("keeps the resolver's address out", () => {
    fc.assert(fc.property(steps, (script) => playAgainstModel("100.100.100.96/29", script)));
  });

  it("starts where the product says", () => {
    expect(showIpv4(leaseAddress("100.64.0.0/10", { next: 0, lowestReleased: undefined })!.address)).toBe("100.64.0.1");
  });
});

describe("an IPv4 address", () => {
  it("is shown as it was read", () => {
    fc.assert(fc.property(address, (number) => {
      expect(readIpv4(showIpv4(number))).toBe(number);
    }));
  });

  it("is never read from other text", () => {
    for (
      const text of ["", "1.2.3", "1.2.3.4.5", "01.2.3.4", "1.2.3.256", "1.2.3.-1", "1.2.3.4 ", "0x1.2.3.4", "1..2.3"]
    ) {
      expect(readIpv4(text), text).toBeUndefined();
    }
  });
});
