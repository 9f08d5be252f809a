import type { LocalSettings } from "#protocol/local/settings.ts";
import { type AddVerb, globalFlags, parseList, parseSwitch } from "../command.ts";
import { Failure } from "../failure.ts";
import { type ChoiceFlags, choiceLines, choicesOf } from "../local-choices.ts";
import { plain, print, printError } from "../output.ts";

export const addSet: AddVerb = (program, agent) => {
  program.command("set")
    .description("change settings of this machine, running or not; they outlive logout")
    .option("--hostname <name>", "name of this machine in your organization")
    .option("--tags <tags>", 'tags, separated by commas; "" takes all away', parseList)
    .option("--shields-up [on]", "refuse connections from other machines", parseSwitch)
    .option("--ssh [on]", "tell others that this machine takes SSH", parseSwitch)
    .option("--accept-routes [on]", "use the subnet routes of other machines", parseSwitch)
    .option("--advertise-exit-node [on]", "offer to be an exit node; an admin approves it", parseSwitch)
    .option("--advertise-routes <prefixes>", 'offer subnet routes, separated by commas; "" takes all back', parseList)
    .option("--exit-node <ip>", "exit node to go out by: a tailnet address, auto or off (kept, not used yet)")
    .option("--exit-node-allow-lan-access [on]", "reach the local network beside an exit node", parseSwitch)
    .option("--auto-update [on]", "keep this program up to date by itself (kept, not done yet)", parseSwitch)
    .addHelpText("after", EXAMPLES)
    .action(async (options, command) => {
      const wanted = settingsOf(options);
      if (Object.keys(wanted).length === 0) {
        throw new Failure("no settings changed. Use --help to see available flags");
      }
      const { saved, warnings } = await agent.saveSettings(globalFlags(command), wanted);
      for (const line of changes(saved)) print(line);
      for (const warning of warnings) printError(`Warning: ${plain(warning)}`);
      print("Settings saved.");
    });
};

const EXAMPLES = `
Examples:
  ztna set --hostname build-7 --tags ci,linux
  ztna set --shields-up              nobody connects to this machine
  ztna set --shields-up=false        others may again
  ztna set --advertise-routes 10.0.0.0/24,192.168.1.0/24

What the control plane cannot be told now is kept and told at the next 'ztna up'.`;

interface SetOptions extends ChoiceFlags {
  readonly hostname?: string;
  readonly tags?: string[];
  readonly shieldsUp?: boolean;
  readonly ssh?: boolean;
  readonly acceptRoutes?: boolean;
  readonly advertiseExitNode?: boolean;
  readonly advertiseRoutes?: string[];
}

function settingsOf(options: SetOptions): LocalSettings {
  const all: LocalSettings = {
    hostname: options.hostname,
    tags: options.tags,
    shields_up: options.shieldsUp,
    ssh_enabled: options.ssh,
    accept_routes: options.acceptRoutes,
    advertise_exit_node: options.advertiseExitNode,
    advertise_routes: options.advertiseRoutes,
  };
  const given = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
  return { ...given, ...choicesOf(options) };
}

/** One line for each change. */
function changes(saved: LocalSettings): string[] {
  const { hostname, tags, shields_up, ssh_enabled, accept_routes, advertise_exit_node, advertise_routes } = saved;
  return [
    hostname === undefined ? [] : `Hostname set to: ${hostname}`,
    tags === undefined ? [] : `Tags set to: [${tags.join(" ")}]`,
    choose(shields_up, "Shields up: blocking incoming connections.", "Shields down: accepting incoming connections."),
    choose(ssh_enabled, "SSH server enabled (local config only).", "SSH server disabled (local config only)."),
    choose(accept_routes, "Accepting routes from peers.", "Not accepting routes from peers."),
    choose(advertise_exit_node, "Advertising as exit node.", "Not advertising as exit node."),
    advertise_routes === undefined ? [] : `Advertised routes: ${advertise_routes.join(",") || "(none)"}`,
    choiceLines(saved),
  ].flat();
}

function choose(value: boolean | undefined, yes: string, no: string): string | readonly string[] {
  return value === undefined ? [] : value ? yes : no;
}
