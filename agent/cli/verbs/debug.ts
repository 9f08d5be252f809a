import { type AddVerb, globalFlags, JSON_FORM } from "../command.ts";
import { metricsTable } from "../metrics-text.ts";
import { print, printJson } from "../output.ts";
import { metricsOf } from "./metrics.ts";

export const addDebug: AddVerb = (program, agent) => {
  const debug = program.command("debug").description("look into the running agent");
  debug.command("metrics")
    .description("engine, offloads, counters and what was dropped why")
    .option("--json", JSON_FORM)
    .action(async ({ json }, command) => {
      const metrics = await metricsOf(agent, globalFlags(command));
      return json === true ? printJson(metrics) : print(metricsTable(metrics));
    });
};
