import type { Machine } from "#protocol/api/machines.ts";
import type { RouteDecision } from "../agent.ts";
import { type AddVerb, examples, globalFlags, JSON_FORM, parseList } from "../command.ts";
import { plain, print, printJson, row, rule } from "../output.ts";

export const addRoute: AddVerb = (program, agent) => {
  const route = program.command("route").description("the routes that machines of your organization offer to carry");
  route.command("list")
    .description("list them, and which an admin has approved")
    .option("--machine <name>", "of this machine only")
    .option("--json", JSON_FORM)
    .addHelpText("after", examples("ztna route list", "ztna route list --machine gateway --json"))
    .action(async ({ machine, json }, command) => {
      const machines = await agent.machines(globalFlags(command));
      const routes = routesOf(machines).filter((one) =>
        machine === undefined || one.machine.toLowerCase() === machine.toLowerCase()
      );
      return json === true ? printJson(routes) : print(formatRoutes(routes));
    });
  for (const [name, decision] of [["approve", "approve_routes"], ["reject", "reject_routes"]] as const) {
    route.command(name, { hidden: true })
      .description(`${name} what a machine offers to carry (admins)`)
      .argument("<machine>", "name, tailnet address or id")
      .option("--routes <prefixes>", "these only, separated by commas", parseList)
      .action(async (machine, { routes }, command) => {
        const { name, approved_routes } = await agent.decideRoutes(globalFlags(command), machine, decision, routes);
        print(`Approved routes of ${plain(name)}: ${approved_routes.join(",") || "(none)"}`);
      });
  }
  for (const [name, decision] of exitNodeDecisions) {
    route.command(name, { hidden: true })
      .description("decide on an exit node (admins)")
      .argument("<machine>", "name, tailnet address or id")
      .action(async (machine, _options, command) => {
        const { name, exit_node_approved } = await agent.decideRoutes(
          globalFlags(command),
          machine,
          decision,
          undefined,
        );
        print(`${plain(name)} is ${exit_node_approved ? "an approved" : "no approved"} exit node.`);
      });
  }
};

const exitNodeDecisions: readonly [name: string, decision: RouteDecision][] = [
  ["approve-exit-node", "approve_exit_node"],
  ["reject-exit-node", "reject_exit_node"],
];

interface Route {
  readonly machine_id: string;
  readonly machine: string;
  readonly route: string;
  readonly approved: boolean;
}

function routesOf(machines: readonly Machine[]): Route[] {
  return machines.flatMap(({ id, name, advertised_routes, approved_routes }) =>
    advertised_routes.map((route) => ({
      machine_id: id,
      machine: name,
      route,
      approved: approved_routes.includes(route),
    }))
  );
}

const WIDTHS = [21, 21];
const LAST = 8;

function formatRoutes(routes: readonly Route[]): string {
  if (routes.length === 0) return "No routes advertised.";
  return [
    row(WIDTHS, ["MACHINE", "ROUTE", "STATUS"]),
    rule(WIDTHS, LAST),
    ...routes.map(({ machine, route, approved }) =>
      row(WIDTHS, [plain(machine), plain(route), approved ? "approved" : "pending"])
    ),
  ].join("\n");
}
