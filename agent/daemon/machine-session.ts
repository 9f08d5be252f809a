import { call } from "#protocol/api/call.ts";
import { machineHeartbeat } from "#protocol/api/machines.ts";
import { readMachineToken, writeMachineToken } from "./machine-token-file.ts";
import type { AgentPaths } from "./paths.ts";
import { runningPid } from "./pid-file.ts";
import { readState, type Registration } from "./state-file.ts";

const ANSWER_MS = 20_000;
/** A token so close to its end might not live through the request. */
const LEAST_LIFE_MS = 60_000;

/** This machine as it speaks to the HTTP API. */
export class MachineSession {
  readonly registration: Registration;
  readonly #paths: AgentPaths;

  private constructor(paths: AgentPaths, registration: Registration) {
    this.#paths = paths;
    this.registration = registration;
  }

  /** Undefined when this machine is not registered at this control plane. */
  static read(paths: AgentPaths, apiUrl: string): MachineSession | undefined {
    const registration = readState(paths.state)?.registration;
    return registration?.api_url === apiUrl ? new MachineSession(paths, registration) : undefined;
  }

  async token(): Promise<string> {
    const kept = readMachineToken(this.#paths.machineToken);
    const isGood = kept?.machine_id === this.registration.machine_id && kept.expires_at > Date.now() + LEAST_LIFE_MS;
    return isGood ? kept.token : await this.renew();
  }

  /** Heartbeats bring tokens; this one says nothing new of the machine. */
  async renew(): Promise<string> {
    const { api_url, node_key, machine_id } = this.registration;
    const status = runningPid(this.#paths.pid) === undefined ? "offline" as const : "online" as const;
    const answer = await call(fetch, api_url, machineHeartbeat, { node_key, status }, {
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    writeMachineToken(this.#paths.machineToken, {
      machine_id,
      token: answer.token,
      expires_at: Date.now() + answer.expires_in * 1000,
    });
    return answer.token;
  }
}
