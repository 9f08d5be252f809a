import type { MachineStatus } from "#protocol/api/machines.ts";
import { ZtnaError } from "#protocol/errors.ts";

/** Where a machine is in its life: its status, and whether somebody has switched it off. */
export interface MachineState {
  readonly status: MachineStatus;
  readonly disabled: boolean;
}

/** What people do to a machine; an access review that revokes it disables it. Deleting ends any state. */
export type MachineAction = "approve" | "enable" | "disable" | "quarantine" | "unquarantine";

/** What happens to a machine without anybody acting on it. */
export type MachineEvent =
  /** Its agent reports for work, or registers again. */
  | "came_online"
  | "went_offline"
  | "fell_silent"
  | "node_key_expired"
  | "auth_key_revoked"
  | "owner_removed"
  | "risk_too_high"
  /** Its posture, where the org enforces one. */
  | "posture_failed"
  | "posture_passed";

/** The way a machine enters: an auth key vouches for it (C1), a person's may have to wait for an admin. */
export function firstStatus(by: "auth_key" | "person", approvalRequired: boolean): MachineStatus {
  return by === "person" && approvalRequired ? "pending" : "online";
}

/** Actions the owner of a machine may take; the others are an admin's. */
const ownersActions: readonly MachineAction[] = ["enable", "disable"];

/**
 * The state an action leads to. Throws `INVALID_STATE` for one that makes no sense where the machine is, and `FORBIDDEN` for one that is
 * an admin's: nobody leaves quarantine, or comes in unapproved, by switching the own machine off and on.
 */
export function stateAfter(state: MachineState, action: MachineAction, isAdmin: boolean): MachineState {
  if (!isAdmin && !ownersActions.includes(action)) throw new ZtnaError("FORBIDDEN");
  const { status } = state;
  switch (action) {
    case "approve":
      if (status !== "pending") throw new ZtnaError("INVALID_STATE", "Machine is not pending approval");
      return settle({ ...state, status: "online" });
    case "disable":
      return settle({ status, disabled: true });
    case "enable":
      if (status === "quarantined" && !isAdmin) throw new ZtnaError("FORBIDDEN");
      return { status: status === "pending" ? "pending" : "online", disabled: false };
    case "quarantine":
      if (status === "pending") throw new ZtnaError("INVALID_STATE", "Machine is pending approval");
      return { ...state, status: "quarantined" };
    case "unquarantine":
      if (status !== "quarantined") throw new ZtnaError("INVALID_STATE", "Machine is not quarantined");
      return settle({ ...state, status: "online" });
  }
}

const offline = { online: "offline" } as const;
const quarantined = { online: "quarantined", offline: "quarantined" } as const;

const events: Readonly<Record<MachineEvent, Partial<Record<MachineStatus, MachineStatus>>>> = {
  came_online: { offline: "online" },
  went_offline: offline,
  fell_silent: offline,
  node_key_expired: offline,
  auth_key_revoked: quarantined,
  owner_removed: quarantined,
  risk_too_high: quarantined,
  posture_failed: { online: "quarantined" },
  posture_passed: { quarantined: "online" },
};

/** The state an event leads to; the same where the event means nothing. */
export function stateOn(state: MachineState, event: MachineEvent): MachineState {
  return settle({ ...state, status: events[event][state.status] ?? state.status });
}

/**
 * Whether silence, or having been offline for long, takes the machine out of the org. Not one that somebody has switched off:
 * gone, it could enrol again.
 */
export function isGoneAfter(
  event: "fell_silent" | "offline_for_long",
  state: MachineState,
  ephemeral: boolean,
): boolean {
  return ephemeral && !state.disabled && state.status === (event === "fell_silent" ? "online" : "offline");
}

/** What is switched off is not online. */
function settle(state: MachineState): MachineState {
  return state.disabled && state.status === "online" ? { ...state, status: "offline" } : state;
}
