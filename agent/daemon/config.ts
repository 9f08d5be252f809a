import * as v from "valibot";
import { localSettingsSchema, toldSettings } from "#protocol/local/settings.ts";
import { DEFAULT_API_URL } from "./default-api-url.ts";
import { type LogLevel, logLevels } from "./log.ts";
import { type AgentPaths, configDirectory } from "./paths.ts";
import { readFileIfAny, writePrivateFile } from "./private-file.ts";
import { currentPaths } from "./profiles-file.ts";

/** `config.json`: what survives a logout. */
const fileSchema = v.looseObject({
  ...localSettingsSchema.entries,
  /** Settings that the control plane has not heard of. */
  unsent: v.optional(v.array(v.picklist(toldSettings))),
  api_url: v.optional(v.string()),
  org_id: v.optional(v.string()),
  disable_offloads: v.optional(v.boolean()),
  stun_servers: v.optional(v.array(v.string())),
  listen_port: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(65_535))),
});
export type ConfigFile = v.InferOutput<typeof fileSchema>;

export interface ConfigFlags {
  readonly apiUrl?: string | undefined;
  readonly logLevel?: LogLevel | undefined;
}

/** Everything that can be set from outside: flags, then `ZTNA_*`, then the file, then what was built in. */
export interface AgentConfig {
  readonly paths: AgentPaths;
  readonly apiUrl: string | undefined;
  readonly hostname: string;
  readonly listenPort: number;
  /** Whether super-packets and joined datagrams may be used; a way out when a driver misbehaves. */
  readonly offloads: boolean;
  /** Data threads: one for both directions, or one for each; by the number of processors when undefined. */
  readonly threads: 1 | 2 | undefined;
  /** Asked for the public address, as `host:port`. */
  readonly stunServers: readonly string[];
  readonly authKey: string | undefined;
  readonly logLevel: LogLevel;
  readonly file: ConfigFile;
}

/** Port 41641 is where other agents and firewalls expect WireGuard. */
const LISTEN_PORT = 41_641;

export function readConfig(flags: ConfigFlags = {}, environment = Deno.env, hostname = Deno.hostname): AgentConfig {
  const paths = currentPaths(configDirectory(environment));
  const file = readConfigFile(paths.config);
  const url = flags.apiUrl ?? present(environment.get("ZTNA_API_URL")) ?? file.api_url ?? DEFAULT_API_URL;
  return {
    paths,
    apiUrl: url === undefined ? undefined : parseApiUrl(url),
    hostname: file.hostname ?? hostname(),
    offloads: !(isTrue(environment.get("ZTNA_DISABLE_OFFLOADS")) ?? file.disable_offloads ?? false),
    threads: parseThreads(environment.get("ZTNA_DATA_THREADS")),
    listenPort: file.listen_port ?? LISTEN_PORT,
    stunServers: parseStunServers(environment.get("ZTNA_STUN_SERVERS")) ?? file.stun_servers ?? [],
    authKey: present(environment.get("ZTNA_AUTH_KEY")),
    logLevel: flags.logLevel ?? parseLogLevel(environment.get("QUICKZTNA_LOG_LEVEL")),
    file,
  };
}

/** Changes what the file says at this moment, which another command may have changed since `config` was read. */
export function updateConfigFile({ paths }: Pick<AgentConfig, "paths">, changes: Partial<ConfigFile>): void {
  const file = readConfigFile(paths.config);
  const updated = JSON.stringify({ ...file, ...changes }, undefined, 2) + "\n";
  if (updated !== JSON.stringify(file, undefined, 2) + "\n") writePrivateFile(paths.config, updated);
}

export function requireApiUrl(config: AgentConfig): string {
  if (config.apiUrl !== undefined) return config.apiUrl;
  throw new Error("No control plane is set. Set ZTNA_API_URL or use --api-url, such as https://login.example.com");
}

/** The origin (and path prefix) of a control plane; `/api` at the end may be there or not. */
export function parseApiUrl(text: string): string {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new Error(`The API URL is not a URL: ${text}. It looks like https://login.example.com`);
  }
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    throw new Error(`The API URL must start with https:// or http://: ${text}`);
  }
  if (url.username !== "" || url.password !== "") throw new Error("The API URL must not hold a user name or password");
  return url.origin + url.pathname.replace(/\/+$/, "").replace(/\/api$/, "");
}

export function readConfigFile(path: string): ConfigFile {
  const text = readFileIfAny(path);
  if (text === undefined) return {};
  try {
    return v.parse(fileSchema, JSON.parse(text));
  } catch (cause) {
    throw new Error(`${path} is not a valid configuration. Mend or remove it.`, { cause });
  }
}

function parseLogLevel(text: string | undefined): LogLevel {
  return logLevels.find((level) => level === text) ?? "info";
}

function present(text: string | undefined): string | undefined {
  return text === undefined || text.trim() === "" ? undefined : text.trim();
}

/** Undefined when it is not set at all. */
function isTrue(text: string | undefined): boolean | undefined {
  const value = present(text)?.toLowerCase();
  return value === undefined ? undefined : !["0", "false", "no", "off"].includes(value);
}

function parseThreads(text: string | undefined): 1 | 2 | undefined {
  const value = present(text);
  if (value === undefined) return undefined;
  if (value === "1" || value === "2") return value === "1" ? 1 : 2;
  throw new Error(`ZTNA_DATA_THREADS must be 1 or 2, not ${value}`);
}

function parseStunServers(text: string | undefined): string[] | undefined {
  const servers = present(text)?.split(",").map((server) => server.trim()).filter((server) => server !== "");
  const wrong = servers?.find((server) => !/^[\w.-]+(:\d{1,5})?$/.test(server));
  if (wrong !== undefined) throw new Error(`ZTNA_STUN_SERVERS must be host:port separated by commas, not ${wrong}`);
  return servers;
}
