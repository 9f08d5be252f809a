import { type AgentConfig, readConfig } from "../../../../agent/daemon/config.ts";
import { createIdentity } from "../../../../agent/daemon/identity.ts";
import { type AgentState, readState, type Registration, writeState } from "../../../../agent/daemon/state-file.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";
import { machineAnswer } from "./machine-answer.ts";

/** An agent's directory on a host that is called "host". */
export function installation(apiUrl: string) {
  const directory = temporaryDirectory();
  const environment = { get: (name: string) => name === "QUICKZTNA_CONFIG_DIR" ? directory.path : undefined };
  const config: AgentConfig = {
    ...readConfig({ apiUrl }, environment as typeof Deno.env, () => "host"),
    listenPort: 0,
  };
  const { paths } = config;
  return {
    config,
    paths,
    /** What it says of itself in its file. */
    state: (): AgentState | undefined => readState(paths.state),
    /** As it was left by an earlier run, registered at this control plane. */
    registered(changes: Partial<Registration> = {}): AgentState {
      const { machine_id, name, tailnet_ip, org_id, node_key } = machineAnswer;
      const registration = { machine_id, name, tailnet_ip, org_id, node_key, api_url: apiUrl, ...changes };
      const state = { ...createIdentity(), registration };
      writeState(paths.state, state);
      return state;
    },
    [Symbol.dispose]: () => directory[Symbol.dispose](),
  };
}
