import { type AddVerb, globalFlags } from "../command.ts";
import { Failure, NOT_RUNNING } from "../failure.ts";
import { plain, print } from "../output.ts";
import { findPeer } from "./peers.ts";

export const addSsh: AddVerb = (program, agent) => {
  program.command("ssh")
    .description("open a shell on a peer with this system's ssh")
    .argument("<peer>", "name or tailnet address, with user@ in front for another user")
    .argument("[arguments...]", "for ssh, after --")
    .addHelpText("after", EXAMPLES)
    .action(async (target, rest, _, command) => {
      const { user, host } = splitTarget(target);
      const peers = await agent.peers(globalFlags(command));
      if (peers === undefined) throw new Failure(NOT_RUNNING);
      const { name, tailnet_ip } = findPeer(peers, host);
      print(`Resolved ${plain(name)} -> ${tailnet_ip}`);
      const code = await runSsh(["-o", "StrictHostKeyChecking=accept-new", `${user}${tailnet_ip}`, ...rest]);
      if (code !== 0) throw new Failure("", code);
    });
};

const EXAMPLES = `
Examples:
  ztna ssh Linux-C
  ztna ssh root@Linux-C -- uptime

It ends with the exit code of ssh.`;

function splitTarget(target: string): { user: string; host: string } {
  const at = target.lastIndexOf("@") + 1;
  return { user: target.slice(0, at), host: target.slice(at) };
}

async function runSsh(args: readonly string[]): Promise<number> {
  try {
    const ssh = new Deno.Command("ssh", { args: [...args], stdin: "inherit", stdout: "inherit", stderr: "inherit" });
    return (await ssh.spawn().status).code;
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    throw new Failure("ssh not found in PATH");
  }
}
