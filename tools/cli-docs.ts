import { buildProgram, describeCompletion } from "../agent/cli/cli.ts";
import type { Agent } from "../agent/cli/agent.ts";

/**
 * `npm run docs:cli`: writes docs/cli.md, every command with its help as the program prints it. `--check` writes nothing and
 * fails when that is not what the page says.
 */
const file = new URL("../docs/cli.md", import.meta.url);

const INTRODUCTION = `# Commands of \`ztna\`

Made by \`npm run docs:cli\` from the program's own help; not edited by hand. Exit codes: 0 for success, 1 for an error
(one line on standard error that ends with what to do next), 130 after Ctrl+C; \`ztna ssh\` ends as ssh does. Everything
that shows something takes \`--json\`, a form that scripts may build on: keys are added, never renamed or taken away.
`;

const WIDTH = 100;
type Help = ReturnType<typeof buildProgram>;

/** Asking for help never reaches the agent. */
const program = buildProgram({} as Agent);
describeCompletion(program);
const text = [INTRODUCTION, ...sections(program, "ztna")].join("\n");

if (!Deno.args.includes("--check")) Deno.writeTextFileSync(file, text);
else if (Deno.readTextFileSync(file) === text) console.log("1 ok, 0 failed: docs/cli.md says what the program says");
else {
  console.error("0 ok, 1 failed: docs/cli.md is stale, run npm run docs:cli");
  Deno.exitCode = 1;
}

function sections(command: Help, name: string): string[] {
  const own = `## \`${name}\`\n\n\`\`\`\n${helpOf(command)}\n\`\`\`\n`;
  const below = command.commands.filter((sub) => sub.name() !== "help");
  return [own, ...below.flatMap((sub) => sections(sub as unknown as Help, `${name} ${sub.name()}`))];
}

function helpOf(command: Help): string {
  let help = "";
  command.configureOutput({ writeOut: (part) => help += part, getOutHelpWidth: () => WIDTH });
  command.outputHelp();
  return help.trim();
}
