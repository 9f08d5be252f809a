import type { Hono } from "hono";
import type { MachineAction } from "#domain/machine/state.ts";
import {
  approveExitNode,
  approveMachine,
  approveRoutes,
  deleteMachine,
  disableMachine,
  enableMachine,
  lockDevice,
  quarantineMachine,
  rejectExitNode,
  rejectRoutes,
  renameMachine,
  setMachineKeyExpiry,
  unquarantineMachine,
  updateMachineFlags,
  updateMachineTags,
  wipeDevice,
} from "#protocol/api/machine-admin.ts";
import { reachMachine, type Target } from "../auth/reach-machine.ts";
import type { AppContext, AppEnv } from "../context.ts";
import { mountActions } from "../http/mount.ts";
import { unwrap } from "../http/unwrap.ts";

export function machineAdminRoutes(app: Hono<AppEnv>): void {
  mountActions(app, [
    [approveMachine, move("approve")],
    [enableMachine, move("enable")],
    [disableMachine, move("disable")],
    [quarantineMachine, move("quarantine")],
    [unquarantineMachine, move("unquarantine")],

    [renameMachine, async (input, c) => {
      const { name } = await administer(c, input, { do: "rename", name: input.name });
      return { machine_id: input.machine_id, name };
    }],

    [updateMachineTags, async (input, c) => {
      const { tags } = await administer(c, input, { do: "update_tags", tags: input.tags });
      return { machine_id: input.machine_id, tags };
    }],

    [updateMachineFlags, async (input, c) => {
      const { org_id: _, machine_id, ...flags } = input;
      const machine = await administer(c, input, { do: "update_flags", flags });
      const given = Object.keys(flags) as (keyof typeof flags)[];
      return { machine_id, ...Object.fromEntries(given.map((flag) => [flag, machine[flag]])) };
    }],

    [setMachineKeyExpiry, async (input, c) => {
      const { key_expiry_disabled } = await administer(c, input, { do: "set_key_expiry", disabled: input.disabled });
      return { machine_id: input.machine_id, key_expiry_disabled };
    }],

    [approveRoutes, decideRoutes("approve_routes")],
    [rejectRoutes, decideRoutes("reject_routes")],
    [approveExitNode, decideExitNode("approve_exit_node")],
    [rejectExitNode, decideExitNode("reject_exit_node")],

    [lockDevice, async (input, c) => {
      await administer(c, input, { do: "lock_device" });
      return { machine_id: input.machine_id, command: "lock_device" as const };
    }],

    [wipeDevice, async (input, c) => {
      await administer(c, input, { do: "wipe_device", confirm: input.confirm });
      return { machine_id: input.machine_id, command: "wipe_device" as const };
    }],

    [deleteMachine, async (input, c) => {
      const { org, actor } = await reachMachine(c, input);
      return { deleted: unwrap(await org.deleteMachine(input.machine_id, actor)) };
    }],
  ]);
}

function move(action: MachineAction) {
  return async (input: Target & { reason?: string | undefined }, c: AppContext) => {
    const details = input.reason === undefined ? {} : { reason: input.reason };
    const { status, admin_disabled } = await administer(c, input, { do: action, details });
    return { machine_id: input.machine_id, status: admin_disabled ? "offline" as const : status };
  };
}

function decideRoutes(decision: "approve_routes" | "reject_routes") {
  return async (input: Target & { routes?: string[] | undefined }, c: AppContext) => {
    const { approved_routes } = await administer(c, input, { do: decision, routes: input.routes });
    return { machine_id: input.machine_id, approved_routes };
  };
}

function decideExitNode(decision: "approve_exit_node" | "reject_exit_node") {
  return async (input: Target, c: AppContext) => {
    const { exit_node_approved } = await administer(c, input, { do: decision });
    return { machine_id: input.machine_id, exit_node_approved };
  };
}

type Command = Parameters<Awaited<ReturnType<typeof reachMachine>>["org"]["administerMachine"]>[1];

async function administer(c: AppContext, target: Target, command: Command) {
  const { org, actor } = await reachMachine(c, target);
  return unwrap(await org.administerMachine(target.machine_id, command, actor));
}
