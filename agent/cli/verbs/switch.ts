import type { Profile } from "../agent.ts";
import { type AddVerb, examples, globalFlags, JSON_FORM } from "../command.ts";
import { Failure } from "../failure.ts";
import { plain, print, printJson, row } from "../output.ts";

export const addSwitch: AddVerb = (program, agent) => {
  program.command("switch")
    .description("use another profile, or another organization of the person who logged in")
    .argument("[target]", "name of a profile, or slug, name or id of an organization")
    .option("--list", "list the profiles and organizations there are")
    .option("--profile", "take the name for that of a profile only")
    .option("--json", `with --list, ${JSON_FORM}`)
    .addHelpText("after", EXAMPLES)
    .action(async (target, { list, profile, json }, command) => {
      const flags = globalFlags(command);
      if (list === true) {
        const [profiles, organizations] = await Promise.all([agent.profiles(flags), agent.organizations(flags)]);
        if (json === true) return printJson({ profiles, organizations: organizations?.map(jsonOf) ?? null });
        print(formatProfiles(profiles));
        if (organizations !== undefined) print(["", "Organizations:", ...organizations.map(formatOrg)].join("\n"));
        return;
      }
      if (target === undefined) throw new Failure("say where to. Run 'ztna switch --list' to see what there is");
      print(`Switched to profile: ${await agent.switchTo(flags, target, profile === true)}`);
      print("Run 'ztna up' to connect.");
    });
};

const EXAMPLES = examples(
  "ztna switch --list",
  "ztna switch acme          the organization with this slug, in a profile of its own",
  "ztna switch default       back to where you began",
);
const WIDTHS = [2, 21, 33, 38];
const NONE = "—";

export function formatProfiles(profiles: readonly Profile[]): string {
  return [
    row(WIDTHS, ["", "PROFILE", "CONTROL PLANE", "ORGANIZATION", "MACHINE"]),
    ...profiles.map(({ name, current, api_url, org_id, machine }) =>
      row(WIDTHS, [
        current ? "*" : "",
        name,
        api_url ?? NONE,
        org_id ?? NONE,
        machine === null ? NONE : `${plain(machine.name)} (${machine.tailnet_ip})`,
      ])
    ),
  ].join("\n");
}

interface Org {
  readonly id: string;
  readonly name: string;
  readonly slug: string;
}

function formatOrg({ slug, name }: Org): string {
  return `  ${plain(slug)} (${plain(name)})`;
}

function jsonOf({ id, name, slug }: Org) {
  return { id, name, slug };
}
