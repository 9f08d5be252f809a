import { call } from "#protocol/api/call.ts";
import { derpMap } from "#protocol/api/derp-map.ts";
import { machineHeartbeat } from "#protocol/api/machines.ts";
import { ZtnaError } from "#protocol/errors.ts";
import type { MachineId, OrgId } from "#protocol/ids.ts";
import type { NodeKey, WireGuardPublicKey } from "#protocol/keys.ts";
import type { NetMap } from "#protocol/netmap.ts";
import { PRODUCT_VERSION } from "#protocol/version.ts";
import type { HeartbeatResult, OwnAddresses } from "../control/session.ts";
import type { AgentState, Registration } from "./state-file.ts";

export interface HeartbeatOptions {
  readonly state: AgentState;
  readonly registration: Registration;
  readonly own: OwnAddresses;
  readonly status: "online" | "offline";
  /** Also ask for what a first map needs besides peers. */
  readonly wantsBase: boolean;
  readonly answerMs: number;
}

/** One heartbeat over plain HTTP. */
export async function sendHeartbeat(options: HeartbeatOptions): Promise<HeartbeatResult> {
  const { state, registration, own, status, wantsBase, answerMs } = options;
  const signal = AbortSignal.timeout(answerMs);
  try {
    const answer = await call(fetch, registration.api_url, machineHeartbeat, {
      node_key: registration.node_key as NodeKey,
      status,
      wg_public_key: state.wireguard_public_key as WireGuardPublicKey,
      endpoints: [...own.endpoints],
      version: PRODUCT_VERSION,
      ...(own.relayRegion === null ? {} : { relay_region: own.relayRegion }),
    }, { signal });
    const base = wantsBase && status === "online" ? await readBase(registration, signal) : undefined;
    const { seq, peers, relay_ticket: ticket } = answer;
    return { ok: true, seq, status: answer.status, peers, ticket, base };
  } catch (error) {
    const refusal = error instanceof ZtnaError ? error : new ZtnaError("UNAVAILABLE", undefined, { cause: error });
    const seconds = refusal.details["retry_after_s"];
    return {
      ok: false,
      code: refusal.code,
      message: refusal.message,
      ...(typeof seconds === "number" ? { retryAfterMs: seconds * 1000 } : {}),
    };
  }
}

/** What a map says besides peers, as far as HTTP tells it: the product's defaults where it does not. */
async function readBase(registration: Registration, signal: AbortSignal): Promise<Omit<NetMap, "seq" | "peers">> {
  const { regions } = await call(fetch, registration.api_url, derpMap, {}, { signal });
  return {
    org: { id: registration.org_id as OrgId, name: "", slug: "" },
    self: {
      id: registration.machine_id as MachineId,
      name: registration.name,
      tailnet_ip: registration.tailnet_ip,
      address_pool: "100.64.0.0/10",
      status: "online",
      mtu_bytes: 1280,
    },
    relays: regions,
    timings: { heartbeat_s: 60, direct_attempt_s: 3, direct_retry_s: 60 },
  };
}
