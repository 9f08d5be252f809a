import type { Agent, GlobalFlags } from "../agent.ts";
import { type AddVerb, examples, globalFlags, JSON_FORM } from "../command.ts";
import { Failure } from "../failure.ts";
import { plain, print, printJson } from "../output.ts";

export const addWhois: AddVerb = (program, agent) => {
  program.command("whois")
    .description("tell which machine has a tailnet address")
    .argument("<ip>", "tailnet address, such as 100.64.0.3")
    .option("--json", JSON_FORM)
    .addHelpText("after", examples("ztna whois 100.64.0.3", "ztna whois 100.64.0.3 --json"))
    .action(async (ip, { json }, command) => {
      const owner = (await knownOwners(agent, globalFlags(command))).find((known) => known.tailnet_ip === ip);
      if (owner === undefined) {
        throw new Failure(`no machine has the address ${plain(ip)}. Run 'ztna machines list' to see them`);
      }
      return json === true ? printJson(owner) : print(formatOwner(owner));
    });
};

interface Owner {
  readonly name: string;
  readonly tailnet_ip: string;
  readonly machine_id: string;
  readonly online: boolean;
}

/** What the running agent knows; without one, what the control plane knows. */
async function knownOwners(agent: Agent, flags: GlobalFlags): Promise<Owner[]> {
  const [{ machine }, peers] = await Promise.all([agent.status(flags), agent.peers(flags)]);
  if (peers === undefined) {
    const machines = await agent.machines(flags);
    return machines.map((found) => ownerOf(found, found.status === "online"));
  }
  const own = machine === null ? [] : [ownerOf(machine, true)];
  return [...own, ...peers.map((peer) => ownerOf(peer, peer.online))];
}

function ownerOf(machine: { id: string; name: string; tailnet_ip: string }, online: boolean): Owner {
  return { name: machine.name, tailnet_ip: machine.tailnet_ip, machine_id: machine.id, online };
}

function formatOwner({ name, tailnet_ip, machine_id, online }: Owner): string {
  return [
    `Machine:     ${plain(name)}`,
    `Tailnet IP:  ${tailnet_ip}`,
    `Machine ID:  ${machine_id}`,
    `Status:      ${online ? "online" : "offline"}`,
  ].join("\n");
}
