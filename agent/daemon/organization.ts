import type { AuthKey } from "#protocol/api/auth-keys.ts";
import type { Machine } from "#protocol/api/machines.ts";
import { userOrgs } from "#protocol/api/orgs.ts";
import { listAuthKeys, listMachines } from "#protocol/api/tables.ts";
import { ZtnaError } from "#protocol/errors.ts";
import { ApiClient } from "./api-client.ts";
import type { AgentConfig } from "./config.ts";

/** Every machine of the org, by name. */
export async function readMachines(config: AgentConfig): Promise<Machine[]> {
  const api = ApiClient.open(config);
  return await api.call(listMachines, { org_id: api.orgId, order: "name" });
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

async function roleOf(api: ApiClient): Promise<string> {
  if (api.speaker === "machine") return "machine";
  const orgs = await api.call(userOrgs, {});
  return orgs.find(({ id }) => id === api.orgId)?.role ?? "none";
}
