import type { AgentConfig } from "./config.ts";
import { readNetMap } from "./net-map-file.ts";
import { readProfiles } from "./profiles-file.ts";
import { readState } from "./state-file.ts";

/** Names for the shell to complete, from files alone: nobody waits for a network while typing. */
export function completionNames({ paths }: AgentConfig): { machines: string[]; profiles: string[] } {
  const machineId = readState(paths.state)?.registration?.machine_id;
  const map = machineId === undefined ? undefined : readNetMap(paths.netMap, machineId);
  return {
    machines: map === undefined ? [] : map.peers.map(({ name }) => name),
    profiles: ["default", ...readProfiles(paths.root).profiles.map(({ name }) => name)],
  };
}
