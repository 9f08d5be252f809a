import { type AddVerb, examples, globalFlags, JSON_FORM } from "../command.ts";
import { print, printError, printJson } from "../output.ts";

export const addWgConfig: AddVerb = (program, agent) => {
  const config = program.command("wg-config").description("WireGuard without the agent");
  config.command("export")
    .description("print a configuration for wg-quick: this machine, and every machine that is online")
    .option("--machine <id>", "for another machine, whose private key you put in")
    .option("--json", JSON_FORM)
    .addHelpText("after", EXAMPLES)
    .action(async ({ machine: id, json }, command) => {
      const { machine, peers, text, isInUse } = await agent.wireGuardConfig(globalFlags(command), id);
      if (isInUse) printError(IN_USE);
      if (json !== true) return print(text.trimEnd());
      const { name, tailnet_ip } = machine;
      printJson({ Config: text, machine_id: machine.id, name, tailnet_ip, peers: peers.map((peer) => peer.name) });
    });
};

const IN_USE = "Warning: the agent runs with the same key. Run 'ztna down' before you use this configuration.";
const EXAMPLES = examples(
  "umask 077; ztna wg-config export > ztna0.conf     it holds the private key of this machine",
  "ztna down; wg-quick up ./ztna0.conf",
);
