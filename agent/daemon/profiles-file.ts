import { join } from "node:path";
import * as v from "valibot";
import { type AgentPaths, agentPaths } from "./paths.ts";
import { readFileIfAny, writePrivateFile } from "./private-file.ts";

/** The profile that is always there; its files are those of the configuration directory itself. */
export const DEFAULT_PROFILE = "default";

const profileSchema = v.object({
  name: v.string(),
  /** The profile whose login it shares: a person in several orgs logs in once. */
  login_of: v.optional(v.string()),
});
export type StoredProfile = v.InferOutput<typeof profileSchema>;

/** `profiles.json`. The one place that says which profile is in use: to switch is to replace this file. */
const fileSchema = v.object({ current: v.string(), profiles: v.array(profileSchema) });
export type ProfilesFile = v.InferOutput<typeof fileSchema>;

export function readProfiles(root: string): ProfilesFile {
  const { profiles: path } = agentPaths(root);
  const text = readFileIfAny(path);
  if (text === undefined) return { current: DEFAULT_PROFILE, profiles: [] };
  try {
    const file = v.parse(fileSchema, JSON.parse(text));
    const names = [DEFAULT_PROFILE, ...file.profiles.map(({ name }) => name)];
    return names.includes(file.current) ? file : { ...file, current: DEFAULT_PROFILE };
  } catch (cause) {
    throw new Error(`${path} is damaged. Mend or remove it; the profiles themselves are in ${root}/profiles.`, {
      cause,
    });
  }
}

export function writeProfiles(root: string, file: ProfilesFile): void {
  writePrivateFile(agentPaths(root).profiles, JSON.stringify(file, undefined, 2) + "\n");
}

/** The files of the profile in use. */
export function currentPaths(root: string): AgentPaths {
  const file = readProfiles(root);
  return pathsOfProfile(root, file, file.current);
}

export function pathsOfProfile(root: string, file: ProfilesFile, name: string): AgentPaths {
  const paths = agentPaths(directoryOf(root, name), root);
  const owner = file.profiles.find((profile) => profile.name === name)?.login_of;
  return owner === undefined ? paths : { ...paths, tokens: agentPaths(directoryOf(root, owner)).tokens };
}

function directoryOf(root: string, name: string): string {
  return name === DEFAULT_PROFILE ? root : join(root, "profiles", name);
}
