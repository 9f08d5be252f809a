import { ZtnaError } from "#protocol/errors.ts";
import { type AgentStatus, localStatus } from "#protocol/local/daemon.ts";
import type { LocalChoices } from "#protocol/local/settings.ts";
import { PRODUCT_VERSION } from "#protocol/version.ts";
import type { AgentConfig } from "./config.ts";
import { hexOfKey } from "./key-text.ts";
import { askAgent } from "./local-client.ts";
import { readState } from "./state-file.ts";
import { readTokens } from "./tokens-file.ts";

/** What the running agent says of itself, or what its files say when none runs. */
export async function readStatus(config: AgentConfig): Promise<AgentStatus & LocalChoices> {
  const { exit_node = "off", exit_node_allow_lan_access = false, auto_update = false, gateway = false } = config.file;
  const exitNode = exit_node === "off" ? null : exit_node;
  const choices = { exit_node: exitNode, exit_node_allow_lan_access, auto_update, gateway };
  return { ...await readAgentStatus(config), ...choices };
}

async function readAgentStatus(config: AgentConfig): Promise<AgentStatus> {
  try {
    return await askAgent(config.paths, localStatus, {}) ?? statusFromFiles(config);
  } catch (error) {
    if (!(error instanceof ZtnaError) || error.code !== "UNAVAILABLE") throw error;
    return { ...statusFromFiles(config), problem: "The agent is starting or does not answer. See 'ztna log'." };
  }
}

function statusFromFiles({ paths, apiUrl }: AgentConfig): AgentStatus {
  const state = readState(paths.state);
  const registration = state?.registration ?? null;
  const loggedIn = readTokens(paths.tokens) !== undefined;
  return {
    version: PRODUCT_VERSION,
    pid: 0,
    node_key: state === undefined ? "" : hexOfKey(state.wireguard_public_key),
    authenticated: registration !== null || loggedIn,
    machine: registration && {
      id: registration.machine_id,
      name: registration.name,
      tailnet_ip: registration.tailnet_ip,
    },
    org_id: registration?.org_id ?? null,
    api_url: registration?.api_url ?? apiUrl ?? "",
    os: Deno.build.os,
    mode: "disconnected",
    interface: null,
    derp_region: null,
    control: "unreachable",
    relay: "unreachable",
    flags: null,
    network: {},
    problem: registration?.problem ?? null,
  };
}
