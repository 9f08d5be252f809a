import { type AddVerb, globalFlags } from "../command.ts";
import { print } from "../output.ts";

export const addBugreport: AddVerb = (program, agent) => {
  program.command("bugreport")
    .description("gather what is needed to look into a problem, without secrets, in a zip file")
    .option("--output <file>", "file or directory to write to (default: ztna-bugreport-<time>.zip here)")
    .addHelpText("after", EXAMPLES)
    .action(async ({ output }, command) => {
      print(`Bug report written to ${await agent.writeBugReport(globalFlags(command), output)}`);
      print("Keys, tokens and passwords are left out. It names this machine, its peers and their addresses.");
    });
};

const EXAMPLES = `
It holds config.json, state.json, ztna.log (its end), status.json and system.txt.

Examples:
  ztna bugreport
  ztna bugreport --output /tmp/report.zip`;
