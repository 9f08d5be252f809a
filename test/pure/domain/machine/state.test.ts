import { describe, expect, it } from "vitest";
import { type MachineAction, stateAfter } from "#domain/machine/state.ts";
import type { MachineStatus } from "#protocol/api/machines.ts";
import { ZtnaError } from "#protocol/errors.ts";

/** From, action -> to; "disabled" behind a status for a machine that is switched off. */
const table: readonly [from: string, action: MachineAction, admin: string, owner: string][] = [
  ["pending", "approve", "online", "FORBIDDEN"],
  ["online", "approve", "INVALID_STATE", "FORBIDDEN"],
  ["offline", "approve", "INVALID_STATE", "FORBIDDEN"],
  ["quarantined", "approve", "INVALID_STATE", "FORBIDDEN"],
  ["online", "disable", "offline disabled", "offline disabled"],
  ["offline", "disable", "offline disabled", "offline disabled"],
  ["pending", "disable", "pending disabled", "pending disabled"],
  ["quarantined", "disable", "quarantined disabled", "quarantined disabled"],
  ["offline disabled", "enable", "online", "online"],
  ["offline", "enable", "online", "online"],
  ["online", "enable", "online", "online"],
  ["pending disabled", "enable", "pending", "pending"],
  ["quarantined", "enable", "online", "FORBIDDEN"],
  ["quarantined disabled", "enable", "online", "FORBIDDEN"],
  ["online", "quarantine", "quarantined", "FORBIDDEN"],
  ["offline", "quarantine", "quarantined", "FORBIDDEN"],
  ["offline disabled", "quarantine", "quarantined disabled", "FORBIDDEN"],
  ["quarantined", "quarantine", "quarantined", "FORBIDDEN"],
  ["pending", "quarantine", "INVALID_STATE", "FORBIDDEN"],
  ["quarantined", "unquarantine", "online", "FORBIDDEN"],
  ["quarantined disabled", "unquarantine", "offline disabled", "FORBIDDEN"],
  ["online", "unquarantine", "INVALID_STATE", "FORBIDDEN"],
];

function outcome(from: string, action: MachineAction, isAdmin: boolean): string {
  const [status, disabled] = from.split(" ");
  try {
    const state = { status: status as MachineStatus, disabled: disabled !== undefined };
    const after = stateAfter(state, action, isAdmin);
    return after.disabled ? `${after.status} disabled` : after.status;
  } catch (error) {
    if (error instanceof ZtnaError) return error.code;
    throw error;
  }
}

describe("a machine's state", () => {
  for (const [from, action, admin, owner] of table) {
    it(`${from}, ${action}: ${admin} by an admin, ${owner} by its owner`, () => {
      expect(outcome(from, action, true)).toBe(admin);
      expect(outcome(from, action, false)).toBe(owner);
    });
  }
});
