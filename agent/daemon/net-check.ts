import { call } from "#protocol/api/call.ts";
import { derpMap } from "#protocol/api/derp-map.ts";
import { localNetCheck, type NetCheck } from "#protocol/local/net-check.ts";
import type { RelayRegion } from "#protocol/netmap.ts";
import { localEndpoints } from "../os/local-endpoints.ts";
import { type AgentConfig, requireApiUrl } from "./config.ts";
import { askAgent } from "./local-client.ts";
import { measureNetwork } from "./net-measure.ts";

const ANSWER_MS = 10_000;

/** Has the running agent look, which tells the control plane as well; looks itself when none runs or answers. */
export async function checkNetwork(config: AgentConfig): Promise<NetCheck> {
  const answer = await askAgent(config.paths, localNetCheck, {}).catch(() => undefined);
  return answer ?? await checkFromHere(config);
}

async function checkFromHere(config: AgentConfig): Promise<NetCheck> {
  const apiUrl = requireApiUrl(config);
  const { regions, problem } = await askRegions(apiUrl);
  return {
    ...await measureNetwork({
      apiUrl,
      regions,
      stunServers: config.stunServers,
      endpoints: localEndpoints({ port: config.listenPort, interfaceName: "ztna0" }),
    }),
    control_problem: problem,
  };
}

/** Without its control plane there is no relay to look for; the rest of the network can be looked at all the same. */
async function askRegions(apiUrl: string): Promise<{ regions: readonly RelayRegion[]; problem: string | null }> {
  try {
    const { regions } = await call(fetch, apiUrl, derpMap, {}, { signal: AbortSignal.timeout(ANSWER_MS) });
    return { regions, problem: null };
  } catch (error) {
    return { regions: [], problem: error instanceof Error ? error.message : String(error) };
  }
}
