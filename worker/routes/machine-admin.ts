import type { Hono } from "hono";
import type { MachineAction } from "#domain/machine/state.ts";
import {
  approveMachine,
  deleteMachine,
  disableMachine,
  enableMachine,
  quarantineMachine,
  renameMachine,
  unquarantineMachine,
  updateMachineTags,
} from "#protocol/api/machine-admin.ts";
import { type MachineId, type OrgId, orgRoutingTag } from "#protocol/ids.ts";
import { isAdmin, requireRole } from "../auth/require-role.ts";
import type { AppContext, AppEnv } from "../context.ts";
import { mountActions } from "../http/mount.ts";
import { unwrap } from "../http/unwrap.ts";

interface Target {
  readonly org_id: OrgId;
  readonly machine_id: MachineId;
}

export function machineAdminRoutes(app: Hono<AppEnv>): void {
  const act = (action: MachineAction) => async (input: Target & { reason?: string | undefined }, c: AppContext) => {
    const { org, actor } = await reach(input, c);
    const details = input.reason === undefined ? {} : { reason: input.reason };
    const status = unwrap(await org.actOnMachine(input.machine_id, action, actor, details));
    return { machine_id: input.machine_id, status };
  };
  mountActions(app, [
    [approveMachine, act("approve")],
    [enableMachine, act("enable")],
    [disableMachine, act("disable")],
    [quarantineMachine, act("quarantine")],
    [unquarantineMachine, act("unquarantine")],

    [renameMachine, async (input, c) => {
      const { org, actor } = await reach(input, c);
      const name = unwrap(await org.renameMachine(input.machine_id, input.name, actor));
      return { machine_id: input.machine_id, name };
    }],

    [deleteMachine, async (input, c) => {
      const { org, actor } = await reach(input, c);
      return { deleted: unwrap(await org.deleteMachine(input.machine_id, actor)) };
    }],

    [updateMachineTags, async (input, c) => {
      const { org, actor } = await reach(input, c);
      const tags = unwrap(await org.tagMachine(input.machine_id, input.tags, actor));
      return { machine_id: input.machine_id, tags };
    }],
  ]);
}

async function reach({ org_id }: Target, c: AppContext) {
  const role = await requireRole(c, org_id, "member");
  const actor = { userId: c.get("user").id, isAdmin: isAdmin(role) };
  return { org: c.env.ORG.getByName(orgRoutingTag(org_id)), actor };
}
