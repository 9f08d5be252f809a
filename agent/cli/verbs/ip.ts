import { type AddVerb, examples, globalFlags, JSON_FORM } from "../command.ts";
import { Failure, NOT_RUNNING } from "../failure.ts";
import { print, printJson } from "../output.ts";
import { findPeer } from "./peers.ts";

export const addIp: AddVerb = (program, agent) => {
  program.command("ip")
    .description("print the tailnet address of this machine or of a peer")
    .argument("[peer]", "name of a peer")
    .option("--json", JSON_FORM)
    .addHelpText("after", examples("ztna ip", "ssh admin@$(ztna ip Linux-C)"))
    .action(async (peer, { json }, command) => {
      const flags = globalFlags(command);
      const { machine } = await agent.status(flags);
      const isSelf = peer === undefined || peer.toLowerCase() === machine?.name.toLowerCase();
      const found = isSelf ? machine : findPeer(await agent.peers(flags) ?? notRunning(), peer);
      if (found === null) throw new Failure("not registered. Run 'ztna up' first");
      if (json === true) printJson({ name: found.name, tailnet_ip: found.tailnet_ip });
      else print(found.tailnet_ip);
    });
};

function notRunning(): never {
  throw new Failure(NOT_RUNNING);
}
