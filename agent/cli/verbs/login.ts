import type { Agent, GlobalFlags } from "../agent.ts";
import { type AddVerb, globalFlags } from "../command.ts";
import { Failure } from "../failure.ts";
import { print, printError } from "../output.ts";
import { takeAuthKey } from "./up.ts";

const WAYS = "choose how: 'ztna login --interactive' with e-mail and password, or 'ztna login --auth-key <key>' " +
  "(ZTNA_AUTH_KEY) to register this machine and connect";

export const addLogin: AddVerb = (program, agent) => {
  program.command("login")
    .description("log in with e-mail and password, or register this machine with an auth key")
    .option("--auth-key <key>", "auth key to register with; ZTNA_AUTH_KEY is the safer way")
    .option("--interactive", "ask for e-mail and password")
    .option("--hostname <name>", "name of this machine in your organization (default: its host name)")
    .action(async ({ authKey, interactive, hostname }, command) => {
      const flags = globalFlags(command);
      if (interactive === true) return await loginInteractively(agent, flags);
      const key = takeAuthKey(agent, authKey);
      if (key === undefined) throw new Failure(WAYS);
      await loginWithKey(agent, flags, key, hostname);
    });
};

async function loginWithKey(
  agent: Agent,
  flags: GlobalFlags,
  authKey: string,
  hostname: string | undefined,
): Promise<void> {
  const up = { authKey, hostname, tags: [], forceReauth: false };
  const { pid, logPath } = await agent.upDetached(flags, up, { line: () => {}, warn: printError, ready: () => {} });
  const { machine } = await agent.status(flags);
  print(`Logged in. Machine: ${machine?.name} (${machine?.tailnet_ip})`);
  print(`VPN starting in background (PID ${pid})`);
  print(`Logs: ${logPath}`);
  print("Run 'ztna log' to view logs, 'ztna status' to check, 'ztna down' to disconnect.");
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
  const { isCancel, password: askPassword, text: askText } = await import("@clack/prompts");
  const email = await askText({ message: "Email:" });
  if (isCancel(email)) throw new Failure("", 130);
  const password = await askPassword({ message: "Password:" });
  if (isCancel(password)) throw new Failure("", 130);
  return { email: (email ?? "").trim(), password: password ?? "" };
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
