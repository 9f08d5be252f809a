import { Option } from "@commander-js/extra-typings";
import type { Agent, GlobalFlags } from "../agent.ts";
import { type AddVerb, globalFlags } from "../command.ts";
import { Failure } from "../failure.ts";
import { print, printError } from "../output.ts";

export const addDown: AddVerb = (program, agent) => {
  program.command("down")
    .alias("disconnect")
    .description("disconnect and stop the agent; this machine stays registered")
    .addOption(new Option("--accept-risk <risk>", "stop although it ends this SSH session").choices(["lose-ssh"]))
    .action(async ({ acceptRisk }, command) => {
      const flags = globalFlags(command);
      if (acceptRisk === undefined) await keepSshSession(agent, flags);
      const stopped = await agent.down(flags);
      if (stopped === undefined) return print("VPN is not running.");
      if (!stopped.offlineReported) printError("Warning: offline heartbeat failed");
      print(`Stopped VPN daemon (PID ${stopped.pid})`);
      print("VPN stopped.");
    });
};

/** Somebody who has come in through the tunnel would cut off the branch they sit on. */
async function keepSshSession(agent: Agent, flags: GlobalFlags): Promise<void> {
  const address = agent.sshServerAddress();
  if (address === undefined) return;
  const { machine, mode } = await agent.status(flags);
  if (mode === "disconnected" || machine?.tailnet_ip !== address) return;
  throw new Failure("this SSH session came through the VPN and would end. Use 'ztna down --accept-risk lose-ssh'");
}
