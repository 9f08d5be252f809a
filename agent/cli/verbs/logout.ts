import { type AddVerb, globalFlags } from "../command.ts";
import { print } from "../output.ts";

export const addLogout: AddVerb = (program, agent) => {
  program.command("logout")
    .description("stop the agent and forget tokens, keys and registration on this machine")
    .action(async (_options, command) => {
      await agent.logout(globalFlags(command));
      print("Logged out. Tokens and state cleared. (org_id preserved for re-login)");
    });
};
