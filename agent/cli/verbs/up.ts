import { shortKey } from "#protocol/keys.ts";
import { Option } from "@commander-js/extra-typings";
import type { Agent, DetachedReport, GlobalFlags, Report, UpEnd, UpFlags } from "../agent.ts";
import { type AddVerb, globalFlags, parseList, parseSwitch } from "../command.ts";
import { Failure } from "../failure.ts";
import { type ChoiceFlags, choiceLines, type Choices, choicesOf } from "../local-choices.ts";
import { type MachineFlags, settingsOf } from "../machine-flags.ts";
import { print, printError } from "../output.ts";

export const FLAG_WARNING =
  "WARNING: passing auth-key via CLI flag exposes it in process listing and shell history. Use ZTNA_AUTH_KEY env var instead.";

export const addUp: AddVerb = (program, agent) => {
  program.command("up")
    .alias("connect")
    .description("register when needed, connect, and stay connected")
    .option("--auth-key <key>", "auth key to register with; ZTNA_AUTH_KEY is the safer way")
    .option("--hostname <name>", "name of this machine in your organization (default: its host name)")
    .option("--org <slug>", "organization to join as the person logged in, when you belong to several")
    .option("--advertise-tags <tags>", "tags to ask for, separated by commas", parseList)
    .option(
      "--advertise-routes <prefixes>",
      'IP prefixes to carry for others, separated by commas; "" for none',
      parseList,
    )
    .addOption(onOff("--advertise-exit-node", "offer to carry all traffic of others"))
    .addOption(onOff("--accept-routes", "use the routes of others"))
    .addOption(onOff("--shields-up", "let nothing in that this machine did not ask for"))
    .addOption(onOff("--ssh", "announce the SSH server of this machine"))
    .option("--exit-node <ip>", "exit node to go out by: a tailnet address or auto (kept, not used yet)")
    .addOption(onOff("--exit-node-allow-lan-access", "reach the local network beside an exit node"))
    .addOption(onOff("--gateway", "carry the advertised routes for others, as a router (Linux)"))
    .option("--reset", "set what is not given here back to its default")
    .option("--daemon", "go to the background when connected")
    .option("--force-reauth", "register again even when registered")
    .action(async (options, command) => {
      const flags = globalFlags(command);
      const up: UpFlags = {
        authKey: takeAuthKey(agent, options.authKey),
        hostname: options.hostname,
        org: options.org,
        forceReauth: options.forceReauth === true,
        settings: settingsOf(options, options.reset === true),
      };
      const background = agent.detachedReport();
      if (background !== undefined) return await runDetached(agent, flags, up, background);
      await keepChoices(agent, flags, options, options.reset === true);
      if (options.daemon === true) return await startInBackground(agent, flags, up);
      await runInForeground(agent, flags, up);
    });
};

const NO_ROUTES = "--gateway needs --advertise-routes, such as 192.168.100.0/24";
const NO_CHOICES: Choices = { exit_node: "off", exit_node_allow_lan_access: false, gateway: false };

/** What concerns this machine alone is kept before it connects; the agent in the background finds it there. */
async function keepChoices(
  agent: Agent,
  flags: GlobalFlags,
  given: ChoiceFlags & MachineFlags,
  reset: boolean,
): Promise<void> {
  const choices = choicesOf(given);
  if (choices.gateway === true && (given.advertiseRoutes ?? []).length === 0) throw new Failure(NO_ROUTES);
  if (!reset && Object.keys(choices).length === 0) return;
  const { saved } = await agent.saveSettings(flags, reset ? { ...NO_CHOICES, ...choices } : choices);
  if (Object.keys(choices).length > 0) choiceLines(saved).forEach(print);
}

/** The key to use: the environment's wins, the flag's is warned about. */
export function takeAuthKey(agent: Agent, flag: string | undefined): string | undefined {
  if (flag !== undefined && flag !== "") printError(FLAG_WARNING);
  return agent.authKeyFromEnvironment() ?? (flag === "" ? undefined : flag);
}

async function runInForeground(agent: Agent, flags: GlobalFlags, up: UpFlags): Promise<void> {
  const report: Report = {
    line: print,
    warn: printError,
    ready: ({ nodeKey }) => {
      print(`Node key: ${shortKey(nodeKey)}`);
      print("Press Ctrl+C to stop...");
    },
  };
  const { signal, stop } = stopSignals(() => print("Shutting down VPN..."));
  const end = await agent.up(flags, up, report, stop).catch((error): UpEnd => {
    if (signal() === undefined) throw error;
    return { offlineReported: true };
  });
  if (end.pending === true) return;
  if (!end.offlineReported) printError("Warning: offline heartbeat failed");
  print("VPN stopped.");
  if (signal() === "SIGINT") throw new Failure("", 130);
}

async function startInBackground(agent: Agent, flags: GlobalFlags, up: UpFlags): Promise<void> {
  const report: Report = {
    line: print,
    warn: printError,
    ready: ({ nodeKey }) => print(`Node key: ${shortKey(nodeKey)}`),
  };
  const started = await agent.upDetached(flags, up, report);
  if (started === undefined) return;
  print(`VPN running in background (PID ${started.pid})`);
  print(`Logs: ${started.logPath}`);
}

async function runDetached(
  agent: Agent,
  flags: GlobalFlags,
  up: UpFlags,
  report: DetachedReport,
): Promise<void> {
  try {
    const { pending } = await agent.up(flags, up, report, stopSignals(() => undefined).stop);
    if (pending === true) report.pending();
  } catch (error) {
    report.failed(error instanceof Error ? error.message : String(error));
    throw new Failure("");
  }
}

/** Aborts `stop` at the first Ctrl+C or polite signal; the second one ends the program at once. */
function stopSignals(onFirst: () => void): { signal: () => Deno.Signal | undefined; stop: AbortSignal } {
  const controller = new AbortController();
  let first: Deno.Signal | undefined;
  const names: Deno.Signal[] = Deno.build.os === "windows" ? ["SIGINT", "SIGBREAK"] : ["SIGINT", "SIGTERM", "SIGHUP"];
  for (const name of names) {
    Deno.addSignalListener(name, () => {
      if (first !== undefined) Deno.exit(130);
      first = name;
      onFirst();
      controller.abort();
    });
  }
  return { signal: () => first, stop: controller.signal };
}

function onOff(flag: string, description: string) {
  return new Option(`${flag} [on]`, description).preset("true").argParser(parseSwitch) as Option<
    `${string} [on]`,
    "true"
  >;
}
