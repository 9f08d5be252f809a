import { createSocket } from "node:dgram";
import { once } from "node:events";
import { call } from "#protocol/api/call.ts";
import { derpMap } from "#protocol/api/derp-map.ts";
import type { NetCheck } from "#protocol/local/net-check.ts";
import type { RelayRegion } from "#protocol/netmap.ts";
import { localEndpoints } from "../os/local-endpoints.ts";
import { type AgentConfig, requireApiUrl } from "./config.ts";

/** A relay that does not answer for so long counts as ill (contract 12.1). */
const PROBE_MS = 5_000;
const PROBES = 3;
const HEALTHY = [200, 404, 426];
const ANSWER_MS = 10_000;

/** Looks at this machine's network, and at the relays through it. */
export async function checkNetwork(config: AgentConfig): Promise<NetCheck> {
  const apiUrl = requireApiUrl(config);
  const endpoints = localEndpoints({ port: config.listenPort, interfaceName: "ztna0" });
  const [udp, regions] = await Promise.all([canSendUdp(), measureRegions(apiUrl)]);
  const [nearest] = regions.filter(({ latency_ms }) => latency_ms !== null)
    .sort((a, b) => a.latency_ms! - b.latency_ms! || a.priority - b.priority);
  return {
    udp,
    ipv4: endpoints.some((one) => !one.startsWith("[")),
    ipv6: endpoints.some((one) => one.startsWith("[")),
    local_endpoints: endpoints,
    nearest_derp: nearest?.region_code ?? null,
    derp_regions: regions.map(({ region_code, region_name, latency_ms }) => ({ region_code, region_name, latency_ms })),
    stun_status: "not configured",
    public_ip: null,
    public_port: null,
  };
}

/** Sends a datagram to itself: some containers and sandboxes have no UDP at all. */
async function canSendUdp(): Promise<boolean> {
  const socket = createSocket("udp4");
  try {
    socket.bind(0, "127.0.0.1");
    await once(socket, "listening");
    const heard = once(socket, "message", { signal: AbortSignal.timeout(PROBE_MS) });
    socket.send(new Uint8Array([1]), socket.address().port, "127.0.0.1");
    await heard;
    return true;
  } catch {
    return false;
  } finally {
    socket.close();
  }
}

type Measured = RelayRegion & { readonly latency_ms: number | null };

/** Regions behind one address share its round trip. */
async function measureRegions(apiUrl: string): Promise<Measured[]> {
  const signal = AbortSignal.timeout(ANSWER_MS);
  const { regions } = await call(fetch, apiUrl, derpMap, {}, { signal });
  const origins = new Map(regions.map((region) => [originOf(region, apiUrl), Promise.resolve<number | null>(null)]));
  for (const origin of origins.keys()) origins.set(origin, measure(`${origin}/derp/probe`));
  return await Promise.all(
    regions.map(async (region) => ({ ...region, latency_ms: await origins.get(originOf(region, apiUrl))! })),
  );
}

/** A relay of the control plane's own host is reached as that is: its port may be another than 443. */
function originOf({ hostname, derp_port }: RelayRegion, apiUrl: string): string {
  return hostname === new URL(apiUrl).hostname ? apiUrl : `https://${hostname}:${derp_port}`;
}

/** The shortest of some round trips over one connection; null when there is none. */
async function measure(url: string): Promise<number | null> {
  const times: number[] = [];
  try {
    // The first one pays for the connection.
    for (let i = 0; i <= PROBES; i++) {
      const started = performance.now();
      const response = await fetch(url, { signal: AbortSignal.timeout(PROBE_MS), redirect: "manual" });
      await response.body?.cancel();
      if (!HEALTHY.includes(response.status)) return null;
      times.push(performance.now() - started);
    }
  } catch {
    return null;
  }
  return Math.round(Math.min(...times.slice(1)) * 10) / 10;
}
