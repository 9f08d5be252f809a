import type { Machine } from "#protocol/api/machines.ts";
import { type AddVerb, examples, globalFlags, JSON_FORM } from "../command.ts";
import { plain, print, printJson, row, rule } from "../output.ts";

export const addMachines: AddVerb = (program, agent) => {
  const machines = program.command("machines").description("the machines of your organization");
  machines.command("list")
    .description("list them, this one included, with or without a running agent")
    .option("--json", JSON_FORM)
    .addHelpText("after", EXAMPLES)
    .action(async ({ json }, command) => {
      const found = await agent.machines(globalFlags(command));
      return json === true ? printJson(found.map(jsonOf)) : print(formatMachines(found));
    });
};

const EXAMPLES = examples(
  "ztna machines list",
  "ztna machines list --json | jq -r '.[] | select(.status == \"offline\") | .name'",
);
const WIDTHS = [21, 17, 9, 13];
const SECONDS = 19;

export function formatMachines(machines: readonly Machine[]): string {
  if (machines.length === 0) return "No machines registered.";
  return [
    row(WIDTHS, ["NAME", "TAILNET IP", "OS", "STATUS", "LAST SEEN"]),
    rule(WIDTHS, SECONDS),
    ...machines.map(({ name, tailnet_ip, os, status, last_seen }) =>
      row(WIDTHS, [plain(name), tailnet_ip, plain(os ?? "—"), status, last_seen.slice(0, SECONDS)])
    ),
    `Total: ${machines.length} machines`,
  ].join("\n");
}

function jsonOf(machine: Machine) {
  const { id, name, tailnet_ip, os, status, last_seen, version, tags, ephemeral, owner_id, created_at } = machine;
  return { id, name, tailnet_ip, os, status, last_seen, version, tags, ephemeral, owner_id, created_at };
}
