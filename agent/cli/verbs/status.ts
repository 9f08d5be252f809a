import { shortKey } from "#protocol/keys.ts";
import type { AgentStatus } from "#protocol/local/daemon.ts";
import type { LocalChoices } from "#protocol/local/settings.ts";
import { type AddVerb, examples, globalFlags, JSON_FORM } from "../command.ts";
import { NO_AUTO_UPDATE, NO_EXIT_ROUTE } from "../local-choices.ts";
import { plain, print, printJson } from "../output.ts";
import { formatPeers, shownPeers } from "./peers.ts";

export const addStatus: AddVerb = (program, agent) => {
  program.command("status")
    .description("show who this machine is and how it is connected")
    .option("--peers", "with the other machines of the organization")
    .option("--active", "with those of them that are online")
    .option("--json", JSON_FORM)
    .addHelpText("after", EXAMPLES)
    .action(async ({ peers: all, active, json }, command) => {
      const flags = globalFlags(command);
      const wantsPeers = all === true || active === true;
      const [status, known] = await Promise.all([agent.status(flags), wantsPeers ? agent.peers(flags) : undefined]);
      const peers = shownPeers(known ?? [], active === true);
      if (json === true) return printJson(wantsPeers ? { ...status, peers } : status);
      print(formatStatus(status));
      if (wantsPeers) print(`\n${known === undefined ? NO_PEERS : formatPeers(status, peers)}`);
    });
};

const EXAMPLES = examples(
  "ztna status --active                       this machine, then the peers that are online",
  "ztna status --json | jq -r .machine.tailnet_ip",
);
const NO_PEERS = "Peers are known while the VPN is running (run 'ztna up').";

/** The guide's block, line for line; the control plane, org and operating system stand in `--json`. */
export function formatStatus(status: AgentStatus & LocalChoices): string {
  const lines = ["QuickZTNA Status", "================", line("Version", status.version)];
  if (status.node_key !== "") lines.push(line("Node Key", shortKey(status.node_key)));
  lines.push(line("Authenticated", String(status.authenticated)));
  if (!status.authenticated) lines.push(" ".repeat(WIDTH) + "(run 'ztna login' to authenticate)");
  lines.push(...machineLines(status), ...offers(status), ...choices(status));
  if (status.problem !== null) lines.push(line("Problem", status.problem));
  return lines.join("\n");
}

const WIDTH = 15;

function machineLines(status: AgentStatus): string[] {
  if (status.machine === null) return [line("Machine", "Not registered (run 'ztna up')")];
  return [
    line("Machine ID", status.machine.id),
    line("Machine Name", plain(status.machine.name)),
    line("Tailnet IP", status.machine.tailnet_ip),
    line("Mode", status.mode),
    ...(status.derp_region === null ? [] : [line("DERP Region", status.derp_region)]),
  ];
}

/** The guide writes these two without columns. */
function offers({ flags }: AgentStatus): string[] {
  const routes = flags?.advertised_routes ?? [];
  return [
    ...(flags?.advertise_exit_node === true ? ["ExitNode: advertising"] : []),
    ...(routes.length === 0 ? [] : [`AdvertisedRoutes: ${plain(routes.join(", "))}`]),
  ];
}

function choices({ exit_node, auto_update, gateway }: LocalChoices): string[] {
  return [
    ...(gateway ? [line("Gateway", "on")] : []),
    ...(exit_node === null ? [] : [line("Exit Node", `${exit_node} (kept; ${NO_EXIT_ROUTE})`)]),
    ...(auto_update ? [line("Auto Update", `on (kept; ${NO_AUTO_UPDATE})`)] : []),
  ];
}

function line(label: string, value: string): string {
  return `${label}:`.padEnd(WIDTH) + value;
}
