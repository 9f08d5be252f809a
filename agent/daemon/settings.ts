import { readIpv4, readIpv4Prefix } from "#domain/addressing/ipv4.ts";
import { machineName } from "#domain/machine/name.ts";
import { cleanTags } from "#domain/machine/tags.ts";
import { renameMachine, updateMachineFlags, updateMachineTags } from "#protocol/api/machine-admin.ts";
import { type LocalSettings, type ToldSetting, toldSettings } from "#protocol/local/settings.ts";
import { ApiClient } from "./api-client.ts";
import { type AgentConfig, readConfigFile, updateConfigFile } from "./config.ts";
import { preparePrivateDirectory } from "./private-file.ts";
import { readState, writeState } from "./state-file.ts";

export interface SavedSettings {
  /** As they are kept. */
  readonly saved: LocalSettings;
  /** One sentence for each that the control plane did not hear or take. */
  readonly warnings: readonly string[];
}

/**
 * Keeps settings in `config.json` and tells the control plane, which tells the agent if one runs. What it did not hear or
 * take stands there as unsent and goes with the next `up`.
 */
export async function saveSettings(config: AgentConfig, wanted: LocalSettings): Promise<SavedSettings> {
  const saved = checkSettings(wanted);
  const names = namesOf(saved);
  preparePrivateDirectory(config.paths.directory);
  const { unsent = [] } = readConfigFile(config.paths.config);
  updateConfigFile(config, { ...saved, unsent: [...new Set([...unsent, ...names])] });
  return { saved, warnings: await sendSettings(config, names) };
}

/** Tells the control plane what it has not heard; everything, when it has just met this machine, but the name it came with. */
export async function sendUnsentSettings(config: AgentConfig, isNewMachine: boolean): Promise<readonly string[]> {
  const { unsent = [], ...settings } = readConfigFile(config.paths.config);
  if (!isNewMachine) return await sendSettings(config, unsent);
  updateConfigFile(config, { unsent: unsent.filter((name) => name !== "hostname") });
  return await sendSettings(config, namesOf(settings).filter((name) => name !== "hostname"));
}

/** What `ztna up` was told now counts: an older word of `ztna set` that was not heard yet is not sent after it. */
export function overruleUnsent(config: AgentConfig, given: Omit<LocalSettings, "hostname">): void {
  if (namesOf(given).length === 0) return;
  const { unsent = [] } = readConfigFile(config.paths.config);
  const told: LocalSettings = given;
  updateConfigFile(config, { ...given, unsent: unsent.filter((name) => told[name] === undefined) });
}

/** Each by itself, so that one which is refused does not keep back the others. */
async function sendSettings(config: AgentConfig, names: readonly ToldSetting[]): Promise<string[]> {
  const api = names.length === 0 ? undefined : ApiClient.asMachine(config);
  if (api === undefined) return [];
  const settings = readConfigFile(config.paths.config);
  const heard: ToldSetting[] = [];
  const warnings: string[] = [];
  for (const name of names) {
    try {
      const registeredName = await send(api, name, settings);
      if (registeredName !== undefined) keepName(config, registeredName);
      heard.push(name);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      warnings.push(`failed to update ${labels[name]} on control plane: ${why}`);
    }
  }
  const { unsent = [] } = readConfigFile(config.paths.config);
  updateConfigFile(config, { unsent: unsent.filter((name) => !heard.includes(name)) });
  return warnings;
}

const labels: Readonly<Record<ToldSetting, string>> = {
  hostname: "hostname",
  tags: "tags",
  shields_up: "shields up",
  ssh_enabled: "SSH",
  accept_routes: "accepted routes",
  advertise_exit_node: "exit node",
  advertise_routes: "advertised routes",
};

type MachineApi = NonNullable<ReturnType<typeof ApiClient.asMachine>>;

/** Answers the name that the machine has from then on, when it was the name that was sent. */
async function send(api: MachineApi, setting: ToldSetting, settings: LocalSettings): Promise<string | undefined> {
  const target = { org_id: api.orgId, machine_id: api.machineId };
  const { hostname, tags = [], advertise_routes = [] } = settings;
  if (setting === "hostname") {
    return hostname && (await api.call(renameMachine, { ...target, name: hostname })).name;
  }
  if (setting === "tags") await api.call(updateMachineTags, { ...target, tags });
  else if (setting !== "advertise_routes") {
    await api.call(updateMachineFlags, { ...target, [setting]: settings[setting] === true });
  } else await api.call(updateMachineFlags, { ...target, advertised_routes: advertise_routes });
  return undefined;
}

/** `ztna status` of a stopped machine and the next `up` say the name of the state file. */
function keepName({ paths }: AgentConfig, name: string): void {
  const state = readState(paths.state);
  if (state?.registration == null || state.registration.name === name) return;
  writeState(paths.state, { ...state, registration: { ...state.registration, name } });
}

function checkSettings(wanted: LocalSettings): LocalSettings {
  const { hostname, tags, advertise_routes: routes, exit_node, gateway } = wanted;
  if (gateway === true && Deno.build.os !== "linux") throw new Error("--gateway works on Linux only");
  return {
    ...wanted,
    ...(hostname === undefined ? {} : { hostname: machineName(hostname) }),
    ...(tags === undefined ? {} : { tags: tags.map(checkTag) }),
    ...(routes === undefined ? {} : { advertise_routes: routes.map(checkRoute) }),
    ...(exit_node === undefined ? {} : { exit_node: checkExitNode(exit_node) }),
  };
}

function checkTag(text: string): string {
  const [tag] = cleanTags([text]);
  if (tag !== undefined) return tag;
  throw new Error(`invalid tag: ${text}. Use letters, digits, - and _, at most 50 of them`);
}

function checkRoute(text: string): string {
  if (/\/0+$/.test(text)) throw new Error(`${text} is all there is. Use --advertise-exit-node`);
  if (text.includes("/") && readIpv4Prefix(text) !== undefined) return text;
  throw new Error(`invalid route: ${text}. Use prefixes such as 10.0.0.0/24,192.168.1.0/24`);
}

function checkExitNode(text: string): string {
  if (text === "auto" || text === "off" || readIpv4(text) !== undefined) return text;
  throw new Error(`invalid exit node: ${text}. Use the tailnet address of a machine, auto or off`);
}

function namesOf(settings: LocalSettings): ToldSetting[] {
  return toldSettings.filter((name) => settings[name] !== undefined);
}
