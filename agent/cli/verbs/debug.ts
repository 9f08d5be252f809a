import type { AgentPeer, AgentStatus } from "#protocol/local/daemon.ts";
import { type AddVerb, examples, globalFlags, JSON_FORM } from "../command.ts";
import { metricsTable } from "../metrics-text.ts";
import { plain, print, printJson } from "../output.ts";
import { metricsOf } from "./metrics.ts";

export const addDebug: AddVerb = (program, agent) => {
  const debug = program.command("debug").description("look into the running agent")
    .addHelpText(
      "after",
      examples(
        "ztna debug derp       which peers are reached by the relay",
        "ztna debug metrics    what was dropped, and why",
      ),
    );
  debug.command("metrics")
    .description("engine, offloads, counters and what was dropped why")
    .option("--json", JSON_FORM)
    .action(async ({ json }, command) => {
      const metrics = await metricsOf(agent, globalFlags(command));
      return json === true ? printJson(metrics) : print(metricsTable(metrics));
    });
  debug.command("derp")
    .description("the relay in use, and which peers are reached by it")
    .option("--json", JSON_FORM)
    .action(async ({ json }, command) => {
      const flags = globalFlags(command);
      const [status, peers, stunServer] = await Promise.all([
        agent.status(flags),
        agent.peers(flags),
        agent.stunServer(flags),
      ]);
      const report = derpReport(status, peers, stunServer);
      return json === true ? printJson(report) : print(formatDerp(report));
    });
};

interface DerpReport {
  readonly derp_server: string | null;
  readonly stun_server: string | null;
  readonly status: string;
  readonly peers: readonly { readonly name: string; readonly tailnet_ip: string; readonly path: AgentPeer["path"] }[];
}

export function derpReport(
  status: AgentStatus,
  peers: readonly AgentPeer[] | undefined,
  stunServer: string | null,
): DerpReport {
  const { api_url, derp_region } = status;
  return {
    derp_server: derp_region === null ? null : `${api_url.replace(/^http/, "ws")} (${derp_region})`,
    stun_server: stunServer,
    status: derpStatus(status, peers !== undefined),
    peers: (peers ?? []).map(({ name, tailnet_ip, path }) => ({ name, tailnet_ip, path })),
  };
}

function derpStatus({ machine, relay, problem }: AgentStatus, isRunning: boolean): string {
  if (machine === null) return "not authenticated";
  if (!isRunning) return "error (the VPN is not running)";
  return relay === "connected" ? "connected" : `error (${problem ?? relay})`;
}

const ways: Readonly<Record<AgentPeer["path"], string>> = { direct: "direct", relay: "relayed", none: "no path yet" };

export function formatDerp({ derp_server, stun_server, status, peers }: DerpReport): string {
  return [
    `DERP Server: ${derp_server ?? "none"}`,
    `STUN Server: ${stun_server ?? "not configured"}`,
    `Status: ${status}`,
    `Peers: ${peers.length}`,
    ...peers.map(({ name, tailnet_ip, path }) => `  ${plain(name)} (${tailnet_ip}) — ${ways[path]}`),
  ].join("\n");
}
