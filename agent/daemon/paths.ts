import { join } from "node:path";

/** Where the agent keeps its files: one directory for each profile, that of the profile `default` being the root of all. */
export interface AgentPaths {
  readonly root: string;
  readonly profiles: string;
  readonly directory: string;
  readonly config: string;
  readonly state: string;
  readonly tokens: string;
  readonly machineToken: string;
  readonly netMap: string;
  readonly log: string;
  readonly pid: string;
  readonly socket: string;
}

export function agentPaths(directory: string, root = directory): AgentPaths {
  return {
    root,
    profiles: join(root, "profiles.json"),
    directory,
    config: join(directory, "config.json"),
    state: join(directory, "state.json"),
    tokens: join(directory, "tokens.json"),
    machineToken: join(directory, "machine-token.json"),
    netMap: join(directory, "netmap.json"),
    log: join(directory, "ztna.log"),
    pid: join(directory, "ztna.pid"),
    socket: join(directory, "ztna.sock"),
  };
}

/** `QUICKZTNA_CONFIG_DIR`, or `ztna` in the user's configuration directory. */
export function configDirectory(environment: { get(name: string): string | undefined }): string {
  const given = environment.get("QUICKZTNA_CONFIG_DIR");
  if (given !== undefined && given !== "") return given;
  const home = environment.get("HOME") ?? environment.get("USERPROFILE");
  if (home === undefined || home === "") throw new Error("HOME is not set. Set QUICKZTNA_CONFIG_DIR to a directory.");
  return join(home, ".config", "ztna");
}
