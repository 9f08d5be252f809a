import { createSocket } from "node:dgram";
import { once } from "node:events";
import type { NetCheck } from "#protocol/local/net-check.ts";
import type { RelayRegion } from "#protocol/netmap.ts";
import { askStun } from "./stun-client.ts";

export interface Surroundings {
  readonly apiUrl: string;
  readonly regions: readonly RelayRegion[];
  /** `host:port` or `host`. */
  readonly stunServers: readonly string[];
  /** Own addresses on own networks. */
  readonly endpoints: readonly string[];
}

/** A relay that does not answer for so long counts as ill (contract 12.1). */
const PROBE_MS = 5_000;
const PROBES = 3;
const HEALTHY = [200, 404, 426];

/** Looks at this machine's network, and at the relays through it: a few requests and datagrams, some seconds at most. */
export async function measureNetwork({ apiUrl, regions, stunServers, endpoints }: Surroundings): Promise<NetCheck> {
  const [outside, measured] = await Promise.all([lookOutside(stunServers), measureRegions(regions, apiUrl)]);
  const [nearest] = measured.filter(({ latency_ms }) => latency_ms !== null)
    .sort((a, b) => a.latency_ms! - b.latency_ms! || a.priority - b.priority);
  return {
    ...outside,
    ipv4: endpoints.some((one) => !one.startsWith("[")),
    ipv6: endpoints.some((one) => one.startsWith("[")),
    local_endpoints: [...endpoints],
    nearest_derp: nearest?.region_code ?? null,
    derp_regions: measured.map(({ region_code, region_name, latency_ms }) => ({
      region_code,
      region_name,
      latency_ms,
    })),
    control_problem: null,
  };
}

type Outside = Pick<
  NetCheck,
  "udp" | "stun_status" | "stun_server" | "public_ip" | "public_port" | "port_kept" | "mapping_varies"
>;

const UNKNOWN = { stun_server: null, public_ip: null, public_port: null, port_kept: null, mapping_varies: null };

async function lookOutside(stunServers: readonly string[]): Promise<Outside> {
  if (stunServers.length === 0) return { ...UNKNOWN, udp: await canSendUdp(), stun_status: "not configured" };
  const { answers, localPort } = await askStun(stunServers).catch(() => ({ answers: [], localPort: 0 }));
  const [first] = answers;
  if (first === undefined) return { ...UNKNOWN, udp: false, stun_status: "no answer" };
  return {
    udp: true,
    stun_status: "ok",
    stun_server: first.server,
    public_ip: first.seen.address,
    public_port: first.seen.port,
    port_kept: answers.every(({ seen }) => seen.port === localPort),
    mapping_varies: answers.length < 2 ? null : answers.some(({ seen }) => seen.port !== first.seen.port),
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
async function measureRegions(regions: readonly RelayRegion[], apiUrl: string): Promise<Measured[]> {
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
