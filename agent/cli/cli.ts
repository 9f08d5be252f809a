import { Command, CommanderError, Option } from "@commander-js/extra-typings";
import { ZtnaError } from "#protocol/errors.ts";
import type { Agent } from "./agent.ts";
import type { AddVerb } from "./command.ts";
import { Failure } from "./failure.ts";
import { refusalLine } from "./hint.ts";
import { print, printError } from "./output.ts";
import { addAuthKeys } from "./verbs/auth-keys.ts";
import { addBugreport } from "./verbs/bugreport.ts";
import { addDebug } from "./verbs/debug.ts";
import { addDown } from "./verbs/down.ts";
import { addExitNode } from "./verbs/exit-node.ts";
import { addIp } from "./verbs/ip.ts";
import { addLog } from "./verbs/log.ts";
import { addLogin } from "./verbs/login.ts";
import { addLogout } from "./verbs/logout.ts";
import { addMachines } from "./verbs/machines.ts";
import { addMetrics } from "./verbs/metrics.ts";
import { addNc } from "./verbs/nc.ts";
import { addNetcheck } from "./verbs/netcheck.ts";
import { addPeers } from "./verbs/peers.ts";
import { addPing } from "./verbs/ping.ts";
import { addProfile } from "./verbs/profile.ts";
import { addRoute } from "./verbs/route.ts";
import { addSet } from "./verbs/set.ts";
import { addSsh } from "./verbs/ssh.ts";
import { addStatus } from "./verbs/status.ts";
import { addSwitch } from "./verbs/switch.ts";
import { addUp } from "./verbs/up.ts";
import { addUpdate } from "./verbs/update.ts";
import { addVersion, versionText } from "./verbs/version.ts";
import { addWgConfig } from "./verbs/wg-config.ts";
import { addWhois } from "./verbs/whois.ts";

/** In the order of the help. */
const verbs: readonly (readonly [group: string, verbs: readonly AddVerb[]])[] = [
  ["Connection:", [addUp, addDown, addStatus, addSet, addLogin, addLogout]],
  ["Other machines:", [addPeers, addPing, addSsh, addNc, addIp, addWhois]],
  ["Organization:", [addMachines, addRoute, addExitNode, addAuthKeys, addWgConfig, addSwitch, addProfile]],
  ["Looking into it:", [addLog, addMetrics, addNetcheck, addDebug, addBugreport]],
  ["This program:", [addUpdate, addVersion]],
];

const EXAMPLES = `
Examples:
  ZTNA_AUTH_KEY=tskey-auth-... ztna up    join the network with an auth key, stay in the foreground
  ztna up --daemon                        connect again in the background
  ztna status --json                      state for scripts
  ztna ping Linux-C                       latency through the tunnel, direct or relayed

Environment:
  ZTNA_API_URL            control plane, such as https://login.example.com
  ZTNA_AUTH_KEY           auth key for 'ztna up' and 'ztna login' (wins over --auth-key)
  QUICKZTNA_CONFIG_DIR    directory of configuration and state (default ~/.config/ztna)
  QUICKZTNA_LOG_LEVEL     debug, info, warn or error
  HTTPS_PROXY, NO_PROXY   the way out`;

/** Runs one command line and returns the exit code: 0, 1 for an error, 130 after Ctrl+C. */
export async function runCli(args: readonly string[], agent: Agent): Promise<number> {
  try {
    const program = buildProgram(agent);
    if (args.includes("completion") || args.includes("complete")) await addCompletionLibrary(program, agent);
    else describeCompletion(program);
    // A bare `ztna` shows what there is, as an answer and not as an error.
    if (args.length === 0) return program.outputHelp(), 0;
    await program.parseAsync([...args], { from: "user" });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 1;
    const text = describe(error);
    if (text !== "") printError(text);
    return error instanceof Failure ? error.exitCode : 1;
  }
}

export function buildProgram(agent: Agent): Command {
  const program = new Command("ztna")
    .description("QuickZTNA: joins this machine to your organization's private WireGuard network.")
    .addOption(new Option("--log-level <level>", "what goes into the log").choices(["debug", "info", "warn", "error"]))
    .option("--api-url <url>", "control plane to use")
    .version(versionText(), "-V, --version", "print the version")
    .helpOption("-h, --help", "explain the program or a command")
    .helpCommand("help [command]", "explain a command")
    .addHelpText("after", EXAMPLES)
    .configureOutput({
      writeOut: (text) => print(text.trimEnd()),
      writeErr: (text) => printError(text.trimEnd()),
      outputError: (text, write) => write(oneLine(text)),
    })
    .exitOverride();
  for (const [group, adds] of verbs) {
    program.commandsGroup(group);
    for (const add of adds) add(program as unknown as Command, agent);
  }
  return program as unknown as Command;
}

/** The completion library walks the whole program: only those who ask pay for it. */
async function addCompletionLibrary(program: Command, agent: Agent): Promise<void> {
  const { addCompletion } = await import("./completion.ts");
  addCompletion(program, await agent.completionNames());
}

/** What others see of it. */
export function describeCompletion(program: Command): void {
  program.command("completion <shell>")
    .description("print a completion script for bash, zsh, fish or powershell")
    .addHelpText("after", COMPLETION_EXAMPLES);
}

const COMPLETION_EXAMPLES = `
Examples:
  ztna completion bash > /etc/bash_completion.d/ztna
  source <(ztna completion zsh)
  ztna completion fish > ~/.config/fish/completions/ztna.fish`;

/** One line that ends with what to do next. */
function describe(error: unknown): string {
  if (error instanceof ZtnaError) return refusalLine(error);
  return error instanceof Error ? error.message : String(error);
}

function oneLine(text: string): string {
  return `${
    text.trim().replaceAll(/\s*\n\s*/g, " ").replace(/\.$/, "")
  }. Run 'ztna --help' to see the commands and options.`;
}
