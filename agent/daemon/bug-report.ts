import { join } from "node:path";
import process from "node:process";
import querystring from "node:querystring";
import { strToU8, zipSync } from "fflate";
import { localMetrics, localPeers } from "#protocol/local/daemon.ts";
import { authKeyDigits } from "#protocol/keys.ts";
import { PRODUCT_VERSION } from "#protocol/version.ts";
import type { AgentConfig } from "./config.ts";
import { askAgent } from "./local-client.ts";
import { readFileIfAny, replaceFile } from "./private-file.ts";
import { readStatus } from "./read-status.ts";
import { redactFields, redactText, secretsIn } from "./redact.ts";

const LOG_BYTES = 200 * 1024;
const SECRET_VARIABLE = /KEY|TOKEN|SECRET|PASSWORD/;
const SHOWN_VARIABLE = /^(QUICKZTNA|ZTNA)_|^(HTTPS?|NO|ALL)_PROXY$/i;

/**
 * Writes a zip with what somebody needs who looks into a problem, and answers where. What it holds goes to people who must
 * not learn a secret: known ones are cut out of every file, whatever looks like one as well.
 */
export async function writeBugReport(config: AgentConfig, output: string | undefined, now: Date): Promise<string> {
  const secrets = knownSecrets(config);
  const files = Object.entries(await gather(config, now)).map(([name, text]) =>
    [name, strToU8(redactText(text, secrets))] as const
  );
  const path = await placeOf(output, `ztna-bugreport-${stamp(now)}.zip`);
  replaceFile(path, zipSync(Object.fromEntries(files), { mtime: now }), 0o600);
  return path;
}

async function gather(config: AgentConfig, now: Date): Promise<Record<string, string>> {
  const { paths } = config;
  return {
    "config.json": redactedJson(paths.config),
    "state.json": redactedJson(paths.state),
    "ztna.log": lastBytes(paths.log, LOG_BYTES),
    "status.json": await statusText(config),
    "system.txt": systemText(config, now),
  };
}

function redactedJson(path: string): string {
  const text = readFileIfAny(path);
  if (text === undefined) return "(there is none)\n";
  try {
    return JSON.stringify(redactFields(JSON.parse(text)), undefined, 2) + "\n";
  } catch {
    // What cannot be read cannot be searched for secrets either.
    return `(${text.length} characters that are no JSON)\n`;
  }
}

function knownSecrets({ paths }: AgentConfig): Set<string> {
  const inFiles = [paths.config, paths.state, paths.tokens, paths.machineToken].flatMap((path) => {
    try {
      return secretsIn(JSON.parse(readFileIfAny(path) ?? "null"));
    } catch {
      return [];
    }
  });
  const inEnvironment = Object.entries(Deno.env.toObject()).flatMap(([name, value]) =>
    SECRET_VARIABLE.test(name.toUpperCase()) ? value.trim() : passwordOf(value)
  );
  const all = [...inFiles, ...inEnvironment];
  return new Set([...all, ...all.flatMap((secret) => authKeyDigits(secret) ?? [])]);
}

/** Of a proxy, as it is written and as it is meant. */
function passwordOf(value: string): readonly string[] {
  const password = URL.parse(value)?.password ?? "";
  return [password, querystring.unescape(password)];
}

/** The end of the log from the start of a line on: half a secret would not be recognized. */
function lastBytes(path: string, most: number): string {
  const text = readFileIfAny(path) ?? "";
  if (text.length <= most) return text;
  const end = text.slice(-most);
  return end.slice(end.indexOf("\n") + 1);
}

/** The agent may be what is broken. */
async function statusText(config: AgentConfig): Promise<string> {
  const safely = async (ask: () => Promise<unknown>) => {
    try {
      return await ask() ?? null;
    } catch (error) {
      return { failed: error instanceof Error ? error.message : String(error) };
    }
  };
  const parts = {
    status: await safely(() => readStatus(config)),
    peers: await safely(() => askAgent(config.paths, localPeers, {})),
    metrics: await safely(() => askAgent(config.paths, localMetrics, {})),
  };
  return JSON.stringify(parts, undefined, 2) + "\n";
}

function systemText({ paths, apiUrl, hostname, logLevel }: AgentConfig, now: Date): string {
  const environment = Object.entries(Deno.env.toObject()).filter(([name]) => SHOWN_VARIABLE.test(name));
  const lines: [string, string][] = [
    ["Time", now.toISOString()],
    ["Version", `${PRODUCT_VERSION} (${Deno.build.standalone ? "built" : "from source"})`],
    ["System", `${Deno.build.os} ${Deno.osRelease()} ${Deno.build.arch}`],
    ["Runtime", `deno ${Deno.version.deno}, v8 ${Deno.version.v8}`],
    ["Memory", `${Math.round(Deno.systemMemoryInfo().total / 2 ** 20)} MiB`],
    ["Processors", String(navigator.hardwareConcurrency)],
    ["User", process.getuid?.() === 0 ? "root" : "not root"],
    ["Hostname", hostname],
    ["API URL", apiUrl ?? "(none)"],
    ["Directory", paths.directory],
    ["Log level", logLevel],
    ...environment.map(([name, value]): [string, string] => [name, SECRET_VARIABLE.test(name) ? "(set)" : value]),
    ...Deno.networkInterfaces().map(({ name, address, cidr }): [string, string] => [name, cidr ?? address]),
  ];
  return lines.map(([label, value]) => `${label}: ${value}\n`).join("");
}

async function placeOf(output: string | undefined, name: string): Promise<string> {
  if (output === undefined) return join(Deno.cwd(), name);
  const isDirectory = await Deno.stat(output).then((found) => found.isDirectory, () => false);
  return isDirectory ? join(output, name) : output;
}

/** `YYYYMMDD-HHMMSS` in UTC. */
function stamp(now: Date): string {
  return now.toISOString().slice(0, 19).replaceAll(/[-:]/g, "").replace("T", "-");
}
