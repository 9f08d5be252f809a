import type { AuthKey } from "#protocol/api/auth-keys.ts";
import { approveExitNode, approveRoutes, rejectExitNode, rejectRoutes } from "#protocol/api/machine-admin.ts";
import type { Machine } from "#protocol/api/machines.ts";
import { type Organization, userOrgs } from "#protocol/api/orgs.ts";
import { listAuthKeys, listMachines } from "#protocol/api/tables.ts";
import { ZtnaError } from "#protocol/errors.ts";
import { ApiClient, callInSession } from "./api-client.ts";
import { type AgentConfig, requireApiUrl } from "./config.ts";
import { PersonSession } from "./person-session.ts";

/** Every machine of the org, by name. */
export async function readMachines(config: AgentConfig): Promise<Machine[]> {
  const api = ApiClient.open(config);
  return await api.call(listMachines, { org_id: api.orgId, order: "name" });
}

const decisions = {
  approve_routes: approveRoutes,
  reject_routes: rejectRoutes,
  approve_exit_node: approveExitNode,
  reject_exit_node: rejectExitNode,
};

/** Decides what a machine may carry for others, and answers the machine as it is then. */
export async function decideRoutes(
  config: AgentConfig,
  wanted: string,
  decision: keyof typeof decisions,
  routes: readonly string[] | undefined,
): Promise<Machine> {
  const found = (await readMachines(config)).find(({ id, name, tailnet_ip }) =>
    id === wanted || tailnet_ip === wanted || name.toLowerCase() === wanted.toLowerCase()
  );
  if (found === undefined) throw new ZtnaError("NOT_FOUND", `No machine ${wanted}`);
  const api = ApiClient.open(config);
  const input = { org_id: api.orgId, machine_id: found.id, ...(routes === undefined ? {} : { routes: [...routes] }) };
  return { ...found, ...await api.call(decisions[decision], input) };
}

/** The auth keys of the org, oldest first. */
export async function readAuthKeys(config: AgentConfig): Promise<AuthKey[]> {
  const api = ApiClient.open(config);
  try {
    return await api.call(listAuthKeys, { org_id: api.orgId, order: "created_at" });
  } catch (error) {
    if (!(error instanceof ZtnaError) || error.code !== "FORBIDDEN") throw error;
    throw new Error(`auth key listing requires admin role (your role: ${await roleOf(api)})`, { cause: error });
  }
}

/** The orgs of the person who is logged in; undefined when nobody is. */
export async function readOrganizations(config: AgentConfig): Promise<Organization[] | undefined> {
  const apiUrl = requireApiUrl(config);
  const person = PersonSession.read(config.paths.tokens, apiUrl);
  return person && await callInSession(person, apiUrl, userOrgs, {});
}

/** A machine may as much as a member. */
async function roleOf(api: ApiClient): Promise<string> {
  if (api.speaker === "machine") return "member";
  const orgs = await api.call(userOrgs, {});
  return orgs.find(({ id }) => id === api.orgId)?.role ?? "none";
}
