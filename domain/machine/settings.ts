import type { MachineSettings } from "#protocol/api/machines.ts";
import { ZtnaError } from "#protocol/errors.ts";
import { cleanRoutes } from "./routes.ts";
import { cleanTags, retag } from "./tags.ts";

/** What bounds a machine's own wishes. */
export interface SettingsRules {
  readonly allowExitNodes: boolean;
  readonly allowSubnetRouting: boolean;
  readonly currentTags: readonly string[];
  /** Tags its auth key grants; null grants any. */
  readonly allowedTags: readonly string[] | null;
  readonly addressPool: string;
}

export interface SettledSettings {
  readonly granted: MachineSettings;
  /** One sentence for each wish that was not granted. */
  readonly refused: readonly string[];
}

/** The settings in a request that holds other things too. */
export function settingsOf(request: MachineSettings): MachineSettings {
  const { tags, shields_up, ssh_enabled, accept_routes, advertise_exit_node, advertise_routes } = request;
  return { tags, shields_up, ssh_enabled, accept_routes, advertise_exit_node, advertise_routes };
}

/** What of its wishes a machine gets. What its org does not allow is left out and said. */
export function settleSettings(wanted: MachineSettings, rules: SettingsRules): SettledSettings {
  const { tags, advertise_exit_node: exitNode, advertise_routes: routes, ...free } = wanted;
  const parts = [
    tags && settleTags(tags, rules),
    exitNode === undefined ? undefined : settleExitNode(exitNode, rules),
    routes && settleRoutes(routes, rules),
  ];
  return {
    granted: Object.assign({ ...free }, ...parts.map((part) => part?.granted)),
    refused: parts.flatMap((part) => part?.refused ?? []),
  };
}

function settleTags(wanted: readonly string[], { currentTags, allowedTags }: SettingsRules): SettledSettings {
  const tags = retag(currentTags, wanted, allowedTags);
  const lost = cleanTags(wanted).filter((tag) => !tags.includes(tag));
  return { granted: { tags }, refused: lost.map((tag) => `tag ${tag} is not allowed by the auth key`) };
}

function settleExitNode(wanted: boolean, { allowExitNodes }: SettingsRules): SettledSettings {
  if (!wanted || allowExitNodes) return { granted: { advertise_exit_node: wanted }, refused: [] };
  return { granted: { advertise_exit_node: false }, refused: ["exit nodes not allowed for this org"] };
}

function settleRoutes(wanted: readonly string[], { allowSubnetRouting, addressPool }: SettingsRules): SettledSettings {
  if (wanted.length > 0 && !allowSubnetRouting) {
    return { granted: { advertise_routes: [] }, refused: ["subnet routing not allowed for this org"] };
  }
  const checked = wanted.map((text) => settleRoute(text, addressPool));
  const routes = new Set(checked.flatMap(({ granted }) => granted.advertise_routes ?? []));
  return { granted: { advertise_routes: [...routes] }, refused: checked.flatMap(({ refused }) => refused) };
}

function settleRoute(text: string, addressPool: string): SettledSettings {
  try {
    return { granted: { advertise_routes: cleanRoutes([text], addressPool) }, refused: [] };
  } catch (error) {
    if (error instanceof ZtnaError) return { granted: {}, refused: [error.message] };
    throw error;
  }
}
