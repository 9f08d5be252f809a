import type { Machine } from "#protocol/api/machines.ts";
import { type AddVerb, examples, globalFlags, JSON_FORM } from "../command.ts";
import { Failure } from "../failure.ts";
import { NO_EXIT_ROUTE } from "../local-choices.ts";
import { plain, print, printJson, row, rule } from "../output.ts";

export const addExitNode: AddVerb = (program, agent) => {
  const exitNode = program.command("exit-node").description("the machines that offer to carry all traffic of others");
  exitNode.command("list")
    .description("list them, and which an admin has approved")
    .option("--json", JSON_FORM)
    .action(async ({ json }, command) => {
      const nodes = (await agent.machines(globalFlags(command))).filter(({ advertise_exit_node }) =>
        advertise_exit_node
      );
      return json === true ? printJson(nodes.map(jsonOf)) : print(formatExitNodes(nodes));
    });
  exitNode.command("suggest")
    .description("name one that is approved and online, near this machine if there is one")
    .option("--json", JSON_FORM)
    .addHelpText("after", examples("ztna exit-node suggest --json | jq -r .tailnet_ip"))
    .action(async ({ json }, command) => {
      const flags = globalFlags(command);
      const [machines, { machine, derp_region }] = await Promise.all([agent.machines(flags), agent.status(flags)]);
      const best = suggest(machines.filter(({ id }) => id !== machine?.id), derp_region);
      if (best === undefined) throw new Failure(NONE);
      if (json === true) return printJson(jsonOf(best));
      print(`Suggested exit node: ${plain(best.name)} (${best.tailnet_ip})`);
      print(`For later: ${NO_EXIT_ROUTE}.`);
    });
};

const NONE = "no exit node is approved and online. Run 'ztna exit-node list' to see what is offered";

/** One of the same relay region first, else the first by name. */
function suggest(machines: readonly Machine[], region: string | null): Machine | undefined {
  const usable = machines.filter(({ advertise_exit_node, exit_node_approved, status }) =>
    advertise_exit_node && exit_node_approved && status === "online"
  );
  return usable.find(({ relay_region }) => relay_region === region) ?? usable[0];
}

const WIDTHS = [21, 17, 9];
const LAST = 8;

function formatExitNodes(nodes: readonly Machine[]): string {
  if (nodes.length === 0) return "No exit nodes offered.";
  return [
    row(WIDTHS, ["NAME", "TAILNET IP", "STATUS", "APPROVAL"]),
    rule(WIDTHS, LAST),
    ...nodes.map(({ name, tailnet_ip, status, exit_node_approved }) =>
      row(WIDTHS, [plain(name), tailnet_ip, status, exit_node_approved ? "approved" : "pending"])
    ),
  ].join("\n");
}

function jsonOf({ id, name, tailnet_ip, status, exit_node_approved }: Machine) {
  return { machine_id: id, name, tailnet_ip, status, approved: exit_node_approved };
}
