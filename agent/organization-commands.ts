import type { Agent } from "./cli/agent.ts";
import { writeBugReport } from "./daemon/bug-report.ts";
import { completionNames } from "./daemon/completion-names.ts";
import { readConfig } from "./daemon/config.ts";
import { checkNetwork } from "./daemon/net-check.ts";
import { decideRoutes, readAuthKeys, readMachines, readOrganizations } from "./daemon/organization.ts";
import { createProfile, deleteProfile, listProfiles, switchTo } from "./daemon/profiles.ts";
import { applyUpdate } from "./daemon/program-update.ts";
import { saveSettings } from "./daemon/settings.ts";
import { checkForUpdate } from "./daemon/version-check.ts";
import { exportWireGuardConfig } from "./daemon/wireguard-config.ts";

type Commands = Pick<
  Agent,
  | "machines"
  | "authKeys"
  | "decideRoutes"
  | "organizations"
  | "saveSettings"
  | "wireGuardConfig"
  | "profiles"
  | "createProfile"
  | "deleteProfile"
  | "switchTo"
  | "checkNetwork"
  | "writeBugReport"
  | "checkForUpdate"
  | "applyUpdate"
  | "completionNames"
>;

/**
 * The commands about the org and this installation. One module for all of them: deno reads every piece of the program at
 * start, those it will not run as well.
 */
export const organizationCommands: Commands = {
  machines: async (flags) => await readMachines(readConfig(flags)),
  authKeys: async (flags) => await readAuthKeys(readConfig(flags)),
  decideRoutes: async (flags, ...args) => await decideRoutes(readConfig(flags), ...args),
  organizations: async (flags) => {
    const config = readConfig(flags);
    return config.apiUrl === undefined ? undefined : await readOrganizations(config);
  },
  saveSettings: async (flags, wanted) => await saveSettings(readConfig(flags), wanted),
  wireGuardConfig: async (flags, machineId) => await exportWireGuardConfig(readConfig(flags), machineId),
  profiles: async (flags) => await listProfiles(readConfig(flags)),
  createProfile: async (flags, name) => await createProfile(readConfig(flags), name, flags.apiUrl),
  deleteProfile: async (flags, name) => await deleteProfile(readConfig(flags), name),
  switchTo: async (flags, target, isProfile) => await switchTo(readConfig(flags), target, isProfile),
  checkNetwork: async (flags) => await checkNetwork(readConfig(flags)),
  writeBugReport: async (flags, output) => await writeBugReport(readConfig(flags), output, new Date()),
  checkForUpdate: async (flags) => await checkForUpdate(readConfig(flags)),
  applyUpdate: async (flags, ...args) => await applyUpdate(readConfig(flags), ...args),
  completionNames: async () => {
    try {
      return await completionNames(readConfig());
    } catch {
      return { machines: [], profiles: [] };
    }
  },
};
