import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InFlight } from "#domain/relay/in-flight.ts";
import { CONTROL_LANE_BYTES } from "#protocol/relay/frames.ts";

const capBytes = 100_000;
const step = fc.oneof(
  fc.record({ send: fc.integer({ min: 1, max: 65_536 }) }),
  fc.record({ send: fc.integer({ min: 1, max: CONTROL_LANE_BYTES }) }),
  fc.record({ credit: fc.nat(200_000) }),
);

describe("the account of bytes in flight", () => {
  it("never lets a receiver owe more than the cap in data, or twice the cap in all", () => {
    fc.assert(fc.property(fc.boolean(), fc.array(step, { maxLength: 300 }), (isSlow, steps) => {
      const account = new InFlight(capBytes, isSlow);
      for (const each of steps) {
        if ("credit" in each) account.credit(each.credit);
        else if (account.admit(each.send)) {
          expect(account.bytes).toBeLessThanOrEqual(each.send > CONTROL_LANE_BYTES ? capBytes : 2 * capBytes);
        }
      }
      expect(account.bytes).toBeGreaterThanOrEqual(0);
    }));
  });

  it("stops even the control lane of a receiver that never credits", () => {
    const account = new InFlight(capBytes, false);
    let admitted = 0;
    while (account.admit(CONTROL_LANE_BYTES)) admitted += CONTROL_LANE_BYTES;
    expect(admitted).toBe(Math.floor(2 * capBytes / CONTROL_LANE_BYTES) * CONTROL_LANE_BYTES);
  });

  it("lets data pass after every waking, whatever was remembered", () => {
    expect(new InFlight(capBytes, true).admit(capBytes / 2)).toBe(true);
  });

  it("calls a receiver slow from half the cap until it owes less than a quarter", () => {
    const account = new InFlight(capBytes, false);
    account.admit(49_999);
    expect(account.isSlow).toBe(false);
    account.admit(1);
    expect(account.isSlow).toBe(true);
    account.credit(25_000);
    expect(account.isSlow).toBe(true);
    account.credit(1);
    expect(account.isSlow).toBe(false);
  });
});
