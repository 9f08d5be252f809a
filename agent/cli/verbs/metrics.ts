import type { Agent, GlobalFlags } from "../agent.ts";
import { type AddVerb, examples, globalFlags, JSON_FORM } from "../command.ts";
import { Failure, NOT_RUNNING } from "../failure.ts";
import { prometheusText } from "../metrics-text.ts";
import { print, printJson } from "../output.ts";

export const addMetrics: AddVerb = (program, agent) => {
  const metrics = program.command("metrics").description("counters of the running agent, for Prometheus")
    .addHelpText(
      "after",
      examples(
        "ztna metrics print | grep ztna_peer_count",
        "ztna metrics write /var/lib/node_exporter/textfile/ztna.prom",
      ),
    );
  metrics.command("print")
    .description("print them in the Prometheus text format")
    .option("--json", JSON_FORM)
    .action(async ({ json }, command) => {
      const found = await metricsOf(agent, globalFlags(command));
      return json === true ? printJson(found) : print(prometheusText(found).trimEnd());
    });
  metrics.command("write")
    .description("write them into a file, such as one of node_exporter's textfile collector")
    .argument("<file>", "replaced as a whole")
    .action(async (file, _, command) => {
      const found = await metricsOf(agent, globalFlags(command));
      await agent.writeFile(file, prometheusText(found));
    });
};

export async function metricsOf(agent: Agent, flags: GlobalFlags) {
  const metrics = await agent.metrics(flags);
  if (metrics === undefined) throw new Failure(NOT_RUNNING);
  return metrics;
}
