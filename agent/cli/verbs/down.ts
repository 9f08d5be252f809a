import { type AddVerb, globalFlags } from "../command.ts";
import { print, printError } from "../output.ts";

export const addDown: AddVerb = (program, agent) => {
  program.command("down")
    .alias("disconnect")
    .description("disconnect and stop the agent; this machine stays registered")
    .action(async (_options, command) => {
      const stopped = await agent.down(globalFlags(command));
      if (stopped === undefined) return print("VPN is not running.");
      if (!stopped.offlineReported) printError("Warning: offline heartbeat failed");
      print(`Stopped VPN daemon (PID ${stopped.pid})`);
      print("VPN stopped.");
    });
};
