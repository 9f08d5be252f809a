import { ZtnaError } from "#protocol/errors.ts";
import { cleanRoutes } from "./routes.ts";

/** What a machine does on the network, as far as its owner decides; absent means unchanged. */
export interface WantedFlags {
  readonly shields_up?: boolean | undefined;
  readonly ssh_enabled?: boolean | undefined;
  readonly accept_routes?: boolean | undefined;
  readonly advertise_exit_node?: boolean | undefined;
  readonly advertised_routes?: readonly string[] | undefined;
}

/** What the org lets its machines do. */
export interface OrgSwitches {
  readonly allowExitNodes: boolean;
  readonly allowSubnetRouting: boolean;
  readonly addressPool: string;
}

/** The flags as they are kept; refuses none at all, and what the org does not allow. */
export function checkFlags(flags: WantedFlags, org: OrgSwitches): WantedFlags {
  if (Object.values(flags).every((flag) => flag === undefined)) {
    throw new ZtnaError("INVALID_INPUT", "At least one flag must be provided");
  }
  if (flags.advertise_exit_node === true && !org.allowExitNodes) {
    throw new ZtnaError("FORBIDDEN", "exit nodes not allowed for this org");
  }
  const { advertised_routes: routes } = flags;
  if (routes === undefined) return flags;
  if (routes.length > 0 && !org.allowSubnetRouting) {
    throw new ZtnaError("FORBIDDEN", "subnet routing not allowed for this org");
  }
  return { ...flags, advertised_routes: cleanRoutes(routes, org.addressPool) };
}
