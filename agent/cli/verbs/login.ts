import type { Agent, GlobalFlags } from "../agent.ts";
import { type AddVerb, globalFlags } from "../command.ts";
import { durationUpTo } from "../duration.ts";
import { print, printError } from "../output.ts";
import { Prompt } from "../prompt.ts";
import { takeAuthKey } from "./up.ts";

const WAIT_MS = 5 * 60_000;

export const addLogin: AddVerb = (program, agent) => {
  program.command("login")
    .description("log in in the browser or with a password, or register this machine with an auth key")
    .option("--auth-key <key>", "auth key to register with; ZTNA_AUTH_KEY is the safer way")
    .option("--interactive", "ask for e-mail and password here")
    .option("--github", "log in in the browser, with GitHub")
    .option("--google", "log in in the browser, with Google")
    .option("--sso <provider>", "log in in the browser, with a provider of your organization")
    .option("--timeout <duration>", "how long to wait for the browser", durationUpTo("60m", "5m"), WAIT_MS)
    .option("--hostname <name>", "name of this machine in your organization (default: its host name)")
    .addHelpText("after", EXAMPLES)
    .action(async ({ authKey, interactive, github, google, sso, timeout, hostname }, command) => {
      const flags = globalFlags(command);
      if (interactive === true) return await loginInteractively(agent, flags);
      const provider = github === true ? "github" : google === true ? "google" : sso;
      if (provider !== undefined) return await loginInBrowser(agent, flags, provider, timeout);
      const key = takeAuthKey(agent, authKey);
      if (key === undefined) return await loginInBrowser(agent, flags, undefined, timeout);
      await loginWithKey(agent, flags, key, hostname);
    });
};

const EXAMPLES = `
Examples:
  ztna login                              in the browser; then 'ztna up' registers this machine as yours
  ztna login --interactive                with e-mail and password, where there is no browser
  ZTNA_AUTH_KEY=tskey-auth-... ztna login    register with a key and connect in the background`;

async function loginWithKey(
  agent: Agent,
  flags: GlobalFlags,
  authKey: string,
  hostname: string | undefined,
): Promise<void> {
  const up = { authKey, hostname, org: undefined, forceReauth: false, settings: {} };
  const lines: string[] = [];
  const report = { line: (text: string) => void lines.push(text), warn: printError, ready: () => {} };
  const started = await agent.upDetached(flags, up, report);
  if (started === undefined) return print(lines.join("\n"));
  const { machine } = await agent.status(flags);
  print(`Logged in. Machine: ${machine?.name} (${machine?.tailnet_ip})`);
  print(`VPN starting in background (PID ${started.pid})`);
  print(`Logs: ${started.logPath}`);
  print("Run 'ztna log' to view logs, 'ztna status' to check, 'ztna down' to disconnect.");
}

async function loginInBrowser(
  agent: Agent,
  flags: GlobalFlags,
  provider: string | undefined,
  timeoutMs: number,
): Promise<void> {
  await agent.loginInBrowser(flags, { provider, timeoutMs }, (url) => {
    print("To authenticate, visit:");
    print(`  ${url}`);
  });
  print("Login successful!");
}

async function loginInteractively(agent: Agent, flags: GlobalFlags): Promise<void> {
  const { email, password } = Deno.stdin.isTerminal() ? await askAtTerminal() : await readFromInput();
  await agent.loginWithPassword(flags, email, password);
  print("Login successful!");
}

interface Credentials {
  readonly email: string;
  readonly password: string;
}

async function askAtTerminal(): Promise<Credentials> {
  const prompt = new Prompt();
  const email = (await prompt.askLine("Email: ")).trim();
  return { email, password: await prompt.askSecret("Password: ") };
}

/** The first two lines of standard input. */
async function readFromInput(): Promise<Credentials> {
  let text = "";
  for await (const chunk of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    if (text.split("\n").length > 2) break;
  }
  const [email = "", password = ""] = text.split(/\r?\n/);
  return { email: email.trim(), password };
}
