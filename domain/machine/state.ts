import type { MachineStatus } from "#protocol/api/machines.ts";
import { ZtnaError } from "#protocol/errors.ts";

/** Where a machine is in its life: its status, and whether somebody has switched it off. */
export interface MachineState {
  readonly status: MachineStatus;
  readonly disabled: boolean;
}

/** What people do to a machine. */
export type MachineAction = "approve" | "enable" | "disable" | "quarantine" | "unquarantine";

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
      return { ...state, status: "online" };
    case "disable":
      return { status: status === "online" ? "offline" : status, disabled: true };
    case "enable":
      if (status === "quarantined" && !isAdmin) throw new ZtnaError("FORBIDDEN");
      return { status: status === "pending" ? "pending" : "online", disabled: false };
    case "quarantine":
      if (status === "pending") throw new ZtnaError("INVALID_STATE", "Machine is pending approval");
      return { ...state, status: "quarantined" };
    case "unquarantine":
      if (status !== "quarantined") throw new ZtnaError("INVALID_STATE", "Machine is not quarantined");
      return { ...state, status: state.disabled ? "offline" : "online" };
  }
}
