import type { Organization } from "#protocol/api/orgs.ts";
import { type AgentConfig, type ConfigFile, parseApiUrl, readConfigFile, updateConfigFile } from "./config.ts";
import { readOrganizations } from "./organization.ts";
import { runningPid } from "./pid-file.ts";
import { preparePrivateDirectory } from "./private-file.ts";
import {
  DEFAULT_PROFILE,
  pathsOfProfile,
  type ProfilesFile,
  readProfiles,
  type StoredProfile,
  writeProfiles,
} from "./profiles-file.ts";
import { readState } from "./state-file.ts";

/** A set of everything this installation knows: control plane, org, login, machine. One is in use. */
export interface Profile {
  readonly name: string;
  readonly current: boolean;
  readonly api_url: string | null;
  readonly org_id: string | null;
  readonly machine: { readonly name: string; readonly tailnet_ip: string } | null;
}

export function listProfiles({ paths: { root } }: AgentConfig): Profile[] {
  const file = readProfiles(root);
  return namesOf(file).map((name) => {
    const paths = pathsOfProfile(root, file, name);
    const { api_url = null, org_id = null } = readConfigFile(paths.config);
    const registration = readState(paths.state)?.registration ?? null;
    const machine = registration && { name: registration.name, tailnet_ip: registration.tailnet_ip };
    const place = { api_url: registration?.api_url ?? api_url, org_id: registration?.org_id ?? org_id };
    return { name, current: name === file.current, ...place, machine };
  });
}

/** Makes an empty profile beside the others. */
export function createProfile({ paths: { root } }: AgentConfig, name: string, apiUrl: string | undefined): void {
  const file = readProfiles(root);
  addProfile(root, file, { name }, apiUrl === undefined ? {} : { api_url: parseApiUrl(apiUrl) });
  writeProfiles(root, { ...file, profiles: [...file.profiles, { name }] });
}

/** Forgets a profile with its keys. Its machine stays in its org until somebody deletes it there. */
export function deleteProfile({ paths: { root } }: AgentConfig, name: string): void {
  const file = readProfiles(root);
  requireProfile(file, name);
  if (name === DEFAULT_PROFILE) throw new Error("the profile default is always there. Run 'ztna logout' to clear it");
  if (name === file.current) throw new Error(`${name} is in use. Run 'ztna switch default' first`);
  const heir = file.profiles.find(({ login_of }) => login_of === name);
  if (heir !== undefined) throw new Error(`${heir.name} shares the login of ${name}. Delete ${heir.name} first`);
  const { directory } = pathsOfProfile(root, file, name);
  // Named nowhere first: what a crash leaves of the folder is swept before a profile of that name is made again.
  writeProfiles(root, { ...file, profiles: file.profiles.filter((profile) => profile.name !== name) });
  removeFolder(directory);
}

/** Uses another profile: the one of this name, or that of an org of the person who is logged in. Answers its name. */
export async function switchTo(config: AgentConfig, target: string, isProfile: boolean): Promise<string> {
  const { root } = config.paths;
  const file = readProfiles(root);
  refuseWhileRunning(root, file);
  if (namesOf(file).includes(target)) return use(root, file, target);
  if (isProfile) return requireProfile(file, target);
  const org = await findOrganization(config, target);
  const known = listProfiles(config).find(({ org_id, api_url }) => org_id === org.id && api_url === config.apiUrl);
  if (known !== undefined) return use(root, file, known.name);
  const profile = { name: freeName(file, org.slug), login_of: ownerOfLogin(file) };
  addProfile(root, file, profile, { api_url: config.apiUrl, org_id: org.id });
  return use(root, { ...file, profiles: [...file.profiles, profile] }, profile.name);
}

/** The one write that switches; before it everything is as it was. */
function use(root: string, file: ProfilesFile, name: string): string {
  if (file.current !== name) writeProfiles(root, { ...file, current: name });
  return name;
}

function addProfile(root: string, file: ProfilesFile, { name }: StoredProfile, config: Partial<ConfigFile>): void {
  if (!/^[a-z0-9][a-z0-9_-]{0,31}$/.test(name)) {
    throw new Error(`invalid profile name: ${name}. Use a-z, 0-9, - and _, at most 32 of them`);
  }
  if (namesOf(file).includes(name)) throw new Error(`a profile named ${name} exists already. Choose another name`);
  const paths = pathsOfProfile(root, file, name);
  preparePrivateDirectory(root);
  removeFolder(paths.directory);
  preparePrivateDirectory(paths.directory);
  updateConfigFile({ paths }, config);
}

/** With the keys that are in it. */
function removeFolder(path: string): void {
  try {
    Deno.removeSync(path, { recursive: true });
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
  }
}

function refuseWhileRunning(root: string, file: ProfilesFile): void {
  const name = namesOf(file).find((name) => runningPid(pathsOfProfile(root, file, name).pid) !== undefined);
  if (name !== undefined) throw new Error(`the VPN is running in the profile ${name}. Run 'ztna down' first`);
}

async function findOrganization(config: AgentConfig, target: string): Promise<Organization> {
  const orgs = config.apiUrl === undefined ? undefined : await readOrganizations(config);
  const wanted = target.toLowerCase();
  const matches = (org: Organization) => [org.id, org.slug, org.name.toLowerCase()].includes(wanted);
  const found = orgs?.find(matches);
  if (found !== undefined) return found;
  const next = orgs === undefined ? ", 'ztna login' to reach your organizations" : "";
  throw new Error(`no profile or organization named ${target}. Run 'ztna switch --list' to see what there is${next}`);
}

function requireProfile(file: ProfilesFile, name: string): string {
  if (namesOf(file).includes(name)) return name;
  throw new Error(`no profile named ${name}. Run 'ztna profile list' to see them`);
}

function namesOf(file: ProfilesFile): string[] {
  return [DEFAULT_PROFILE, ...file.profiles.map(({ name }) => name)];
}

function ownerOfLogin(file: ProfilesFile): string {
  return file.profiles.find(({ name }) => name === file.current)?.login_of ?? file.current;
}

function freeName(file: ProfilesFile, slug: string): string {
  const base = slug.slice(0, 28);
  const taken = namesOf(file);
  for (let i = 1;; i++) {
    const name = i === 1 ? base : `${base}-${i}`;
    if (!taken.includes(name)) return name;
  }
}
