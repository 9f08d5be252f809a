import { call } from "#protocol/api/call.ts";
import type { CommandResult } from "#protocol/api/agent-commands.ts";
import { machineHeartbeat, type OwnSettings } from "#protocol/api/machines.ts";
import { ZtnaError } from "#protocol/errors.ts";
import type { NodeKey, WireGuardPublicKey } from "#protocol/keys.ts";
import { PRODUCT_VERSION } from "#protocol/version.ts";
import type { HeartbeatResult, OwnAddresses } from "../control/session.ts";
import type { AgentState, Registration } from "./state-file.ts";

export interface HeartbeatOptions {
  readonly state: AgentState;
  readonly registration: Registration;
  readonly own: OwnAddresses;
  readonly settings: OwnSettings | undefined;
  readonly commandResults: readonly CommandResult[];
  readonly status: "online" | "offline";
  readonly answerMs: number;
}

/** One heartbeat over plain HTTP. */
export async function sendHeartbeat(options: HeartbeatOptions): Promise<HeartbeatResult> {
  const { state, registration, own, settings, commandResults, status, answerMs } = options;
  const signal = AbortSignal.timeout(answerMs);
  try {
    const answer = await call(fetch, registration.api_url, machineHeartbeat, {
      node_key: registration.node_key as NodeKey,
      status,
      wg_public_key: state.wireguard_public_key as WireGuardPublicKey,
      endpoints: [...own.endpoints],
      version: PRODUCT_VERSION,
      ...(own.relayRegion === null ? {} : { relay_region: own.relayRegion }),
      ...own.telemetry,
      command_results: [...commandResults],
      ...(settings === undefined ? {} : { settings }),
    }, { signal });
    const { seq, org, self, peers, relays, timings, relay_ticket: ticket, token, expires_in: expiresInS } = answer;
    const map = { seq, org, self, peers, relays, timings };
    const { now: wallMs, refused, agent_commands: commands } = answer;
    return { ok: true, map, wallMs, ticket, token, expiresInS, refused, commands };
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
