import { shortKey } from "#protocol/keys.ts";
import type { AgentStatus } from "#protocol/local/daemon.ts";
import { type AddVerb, globalFlags } from "../command.ts";
import { plain, print, printJson } from "../output.ts";

export const addStatus: AddVerb = (program, agent) => {
  program.command("status")
    .description("show who this machine is and how it is connected")
    .option("--json", "as JSON")
    .action(async ({ json }, command) => {
      const status = await agent.status(globalFlags(command));
      if (json === true) printJson(status);
      else print(formatStatus(status));
    });
};

/** The guide's block, line for line; the control plane, org and operating system stand in `--json`. */
export function formatStatus(status: AgentStatus): string {
  const lines = ["QuickZTNA Status", "================", line("Version", status.version)];
  if (status.node_key !== "") lines.push(line("Node Key", shortKey(status.node_key)));
  lines.push(line("Authenticated", String(status.authenticated)));
  if (!status.authenticated) lines.push(" ".repeat(WIDTH) + "(run 'ztna login' to authenticate)");
  lines.push(...machineLines(status));
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

function line(label: string, value: string): string {
  return `${label}:`.padEnd(WIDTH) + value;
}
