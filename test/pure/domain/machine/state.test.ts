import { describe, expect, it } from "vitest";
import {
  firstStatus,
  isGoneAfter,
  type MachineAction,
  type MachineEvent,
  type MachineState,
  stateAfter,
  stateOn,
} from "#domain/machine/state.ts";
import type { MachineStatus } from "#protocol/api/machines.ts";
import { ZtnaError } from "#protocol/errors.ts";

/** A state in a word: "disabled" behind the status of a machine that is switched off. */
function stateOf(text: string): MachineState {
  const [status, disabled] = text.split(" ");
  return { status: status as MachineStatus, disabled: disabled !== undefined };
}

function textOf({ status, disabled }: MachineState): string {
  return disabled ? `${status} disabled` : status;
}

/** From, action -> to. */
const actions: readonly [from: string, action: MachineAction, admin: string, owner: string][] = [
  ["pending", "approve", "online", "FORBIDDEN"],
  ["pending disabled", "approve", "offline disabled", "FORBIDDEN"],
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
  try {
    return textOf(stateAfter(stateOf(from), action, isAdmin));
  } catch (error) {
    if (error instanceof ZtnaError) return error.code;
    throw error;
  }
}

const states = [
  "pending",
  "pending disabled",
  "online",
  "offline",
  "offline disabled",
  "quarantined",
  "quarantined disabled",
];

/** Event -> what it changes; every other state stays as it is. */
const events: Readonly<Record<MachineEvent, Readonly<Record<string, string>>>> = {
  came_online: { offline: "online" },
  went_offline: { online: "offline" },
  fell_silent: { online: "offline" },
  node_key_expired: { online: "offline" },
  auth_key_revoked: {
    online: "quarantined",
    offline: "quarantined",
    "offline disabled": "quarantined disabled",
  },
  owner_removed: {
    online: "quarantined",
    offline: "quarantined",
    "offline disabled": "quarantined disabled",
  },
  risk_too_high: {
    online: "quarantined",
    offline: "quarantined",
    "offline disabled": "quarantined disabled",
  },
  posture_failed: { online: "quarantined" },
  posture_passed: { quarantined: "online", "quarantined disabled": "offline disabled" },
};

describe("a machine's state", () => {
  it("starts online with an auth key, and pending only for a person of an org that approves", () => {
    expect(firstStatus("auth_key", false)).toBe("online");
    expect(firstStatus("auth_key", true)).toBe("online");
    expect(firstStatus("person", false)).toBe("online");
    expect(firstStatus("person", true)).toBe("pending");
  });

  for (const [from, action, admin, owner] of actions) {
    it(`${from}, ${action}: ${admin} by an admin, ${owner} by its owner`, () => {
      expect(outcome(from, action, true)).toBe(admin);
      expect(outcome(from, action, false)).toBe(owner);
    });
  }

  for (const [event, changes] of Object.entries(events)) {
    const told = Object.entries(changes).map(([from, to]) => `${from} to ${to}`).join(", ");
    it(`${event}: ${told}, all else stays`, () => {
      for (const from of states) {
        expect(textOf(stateOn(stateOf(from), event as MachineEvent)), from).toBe(changes[from] ?? from);
      }
    });
  }

  it("ends with silence or long absence for ephemeral machines alone, and not for disabled ones", () => {
    const gone = (event: "fell_silent" | "offline_for_long", ephemeral: boolean) =>
      states.filter((state) => isGoneAfter(event, stateOf(state), ephemeral));
    expect(gone("fell_silent", true)).toEqual(["online"]);
    expect(gone("offline_for_long", true)).toEqual(["offline"]);
    expect([...gone("fell_silent", false), ...gone("offline_for_long", false)]).toEqual([]);
  });
});
