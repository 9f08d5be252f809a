import { type AddVerb, examples, globalFlags, JSON_FORM } from "../command.ts";
import { print, printJson } from "../output.ts";
import { formatProfiles } from "./switch.ts";

export const addProfile: AddVerb = (program, agent) => {
  const profile = program.command("profile")
    .description("sets of control plane, login and machine, of which one is in use")
    .addHelpText("after", EXAMPLES);
  profile.command("list")
    .description("list them; * marks the one in use")
    .option("--json", JSON_FORM)
    .action(async ({ json }, command) => {
      const profiles = await agent.profiles(globalFlags(command));
      return json === true ? printJson(profiles) : print(formatProfiles(profiles));
    });
  profile.command("create")
    .description("make an empty one; with --api-url for another control plane")
    .argument("<name>", "a-z, 0-9, - and _")
    .action(async (name, _, command) => {
      await agent.createProfile(globalFlags(command), name);
      print(`Profile created: ${name}`);
      print(`Run 'ztna switch ${name}' to use it.`);
    });
  profile.command("delete")
    .description("forget one with its login and keys; its machine stays in its organization")
    .argument("<name>")
    .action(async (name, _, command) => {
      await agent.deleteProfile(globalFlags(command), name);
      print(`Profile deleted: ${name}`);
    });
};

const EXAMPLES = examples(
  "ztna profile create work --api-url https://login.example.com",
  "ztna switch work && ztna login",
);
