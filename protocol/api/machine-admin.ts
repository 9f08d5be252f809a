import * as v from "valibot";
import { machineIdSchema, orgIdSchema } from "../ids.ts";
import { agentCommandNames } from "./agent-commands.ts";
import { endpoint } from "./endpoint.ts";
import { machineStatusSchema } from "./machines.ts";

/*
 * What is done to one machine. Admins may do all of it; its owner may rename and tag it, set its flags, switch it off and on.
 * A machine may rename and tag itself, as far as its auth key grants, and set its own flags.
 */

/** Without an org it is the one of the caller's that has the machine. */
const target = { org_id: v.optional(orgIdSchema), machine_id: machineIdSchema };
const common = {
  method: "POST",
  path: "/api/machine-admin",
  caller: "user",
} as const;
const refusals = ["UNAUTHORIZED", "FORBIDDEN", "MISSING_FIELDS", "INVALID_INPUT", "NOT_FOUND"] as const;
const answersStatus = v.object({ machine_id: machineIdSchema, status: machineStatusSchema });

export const approveMachine = endpoint({
  ...common,
  action: "approve",
  request: v.object(target),
  response: answersStatus,
  refusals: [...refusals, "INVALID_STATE"],
});

export const enableMachine = endpoint({
  ...common,
  action: "enable",
  request: v.object(target),
  response: answersStatus,
  refusals,
});

export const disableMachine = endpoint({
  ...common,
  action: "disable",
  request: v.object(target),
  response: answersStatus,
  refusals,
});

export const quarantineMachine = endpoint({
  ...common,
  action: "quarantine",
  request: v.object({
    ...target,
    reason: v.optional(v.pipe(v.string("reason must be a string"), v.maxLength(500, "reason is too long"))),
  }),
  response: answersStatus,
  refusals: [...refusals, "INVALID_STATE"],
});

export const unquarantineMachine = endpoint({
  ...common,
  action: "unquarantine",
  request: v.object(target),
  response: answersStatus,
  refusals: [...refusals, "INVALID_STATE"],
});

export const renameMachine = endpoint({
  ...common,
  caller: "user_or_machine",
  action: "rename",
  request: v.object({ ...target, name: v.string("name must be a string") }),
  response: v.object({ machine_id: machineIdSchema, name: v.string() }),
  refusals: [...refusals, "CONFLICT"],
});

export const updateMachineTags = endpoint({
  ...common,
  caller: "user_or_machine",
  action: "update_tags",
  request: v.object({
    ...target,
    tags: v.pipe(
      v.array(v.string("tags must be strings"), "tags must be an array"),
      v.maxLength(100, "tags must have at most 100 entries"),
    ),
  }),
  response: v.object({ machine_id: machineIdSchema, tags: v.array(v.string()) }),
  refusals,
});

const flag = (name: string) => v.optional(v.boolean(`${name} must be true or false`));
const flags = {
  shields_up: flag("shields_up"),
  ssh_enabled: flag("ssh_enabled"),
  accept_routes: flag("accept_routes"),
  advertise_exit_node: flag("advertise_exit_node"),
  /** IPv4 prefixes it offers to carry; an empty list takes them back, and their approval with them. */
  advertised_routes: v.optional(
    v.array(v.string("advertised_routes must be strings"), "advertised_routes must be an array"),
  ),
};

/** Answers the flags that were given, as they are kept. */
export const updateMachineFlags = endpoint({
  ...common,
  caller: "user_or_machine",
  action: "update_flags",
  request: v.object({ ...target, ...flags }),
  response: v.object({ machine_id: machineIdSchema, ...flags }),
  refusals,
});

export const setMachineKeyExpiry = endpoint({
  ...common,
  action: "set_key_expiry",
  request: v.object({ ...target, disabled: v.boolean("disabled must be true or false") }),
  response: v.object({ machine_id: machineIdSchema, key_expiry_disabled: v.boolean() }),
  refusals,
});

/** Some of the machine's advertised routes; all without any. */
const someRoutes = {
  ...target,
  routes: v.optional(v.pipe(
    v.array(v.string("routes must be strings"), "routes must be an array"),
    v.maxLength(100, "routes must have at most 100 entries"),
  )),
};
const answersRoutes = v.object({ machine_id: machineIdSchema, approved_routes: v.array(v.string()) });

export const approveRoutes = endpoint({
  ...common,
  action: "approve_routes",
  request: v.object(someRoutes),
  response: answersRoutes,
  refusals,
});

export const rejectRoutes = endpoint({
  ...common,
  action: "reject_routes",
  request: v.object(someRoutes),
  response: answersRoutes,
  refusals,
});

const answersExitNode = v.object({ machine_id: machineIdSchema, exit_node_approved: v.boolean() });

export const approveExitNode = endpoint({
  ...common,
  action: "approve_exit_node",
  request: v.object(target),
  response: answersExitNode,
  refusals: [...refusals, "INVALID_STATE"],
});

export const rejectExitNode = endpoint({
  ...common,
  action: "reject_exit_node",
  request: v.object(target),
  response: answersExitNode,
  refusals,
});

const answersCommand = v.object({ machine_id: machineIdSchema, command: v.picklist(agentCommandNames) });

/** The agent locks the sessions of whoever is logged in on its machine, as soon as it hears of it. */
export const lockDevice = endpoint({
  ...common,
  action: "lock_device",
  request: v.object(target),
  response: answersCommand,
  refusals,
});

/** The agent removes all that this product has on its machine, and ends. */
export const wipeDevice = endpoint({
  ...common,
  action: "wipe_device",
  /** `confirm` is `WIPE-<machine_id>`. */
  request: v.object({ ...target, confirm: v.string("confirm must be a string") }),
  response: answersCommand,
  refusals,
});

/** Its agent gets `INVALID_NODE_KEY`; should it register again, it is another machine. */
export const deleteMachine = endpoint({
  ...common,
  action: "delete",
  request: v.object(target),
  response: v.object({ deleted: machineIdSchema }),
  refusals,
});
