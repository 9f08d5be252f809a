import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { limitsSchema, parseSettings, timingsSchema } from "#protocol/limits.ts";
import { parseLoginProviders } from "../../worker/auth/login-providers.ts";
import { root } from "../process/environment.ts";

export interface StartOptions {
  readonly port: number;
  readonly host: string;
  /** Folder with the database, the secrets and the log. */
  readonly state: string;
  readonly owner: { readonly email: string; readonly password: string | undefined };
  /** JSON for the Worker, checked. */
  readonly limits: string;
  readonly timings: string;
  readonly loginProviders: string;
  /** Further variables of the Worker, which it checks itself. */
  readonly mail: Readonly<Record<string, string>>;
}

export const usage = `Usage: npm start -- [--port 8787] [--host localhost] [--state .state]`;

const mailVariables = ["ZTNA_MAIL_URL", "ZTNA_MAIL_FROM"];

/** Variables of `npm start`, and those of other commands that may stand in the same shell. */
const known = new Set([
  ...[
    "ZTNA_OWNER_EMAIL",
    "ZTNA_OWNER_PASSWORD",
    "ZTNA_LIMITS",
    "ZTNA_TIMINGS",
    "ZTNA_LOGIN_PROVIDERS",
    ...mailVariables,
  ],
  ...["ZTNA_API_URL", "ZTNA_AUTH_KEY", "ZTNA_VERSION", "ZTNA_STANDIN_DENO", "ZTNA_STANDIN_EXE"],
]);

/** Reads flags and environment; throws one sentence when something is wrong. */
export function readOptions(args: readonly string[], env: NodeJS.ProcessEnv): StartOptions {
  const { port, host, state } = readFlags(args);
  const stranger = Object.keys(env).find((name) => name.startsWith("ZTNA_") && !known.has(name));
  if (stranger !== undefined) throw new Error(`Unknown environment variable ${stranger}`);
  const email = env["ZTNA_OWNER_EMAIL"] ?? "owner@example.com";
  if (!/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(email)) throw new Error("ZTNA_OWNER_EMAIL must be an e-mail address");
  const password = env["ZTNA_OWNER_PASSWORD"];
  if (password !== undefined && password.length < 8) {
    throw new Error("ZTNA_OWNER_PASSWORD must be at least 8 characters");
  }
  parseSettings("ZTNA_LIMITS", limitsSchema, env["ZTNA_LIMITS"]);
  parseSettings("ZTNA_TIMINGS", timingsSchema, env["ZTNA_TIMINGS"]);
  parseLoginProviders(env["ZTNA_LOGIN_PROVIDERS"]);
  return {
    port: readPort(port),
    host,
    state: resolve(root, state),
    owner: { email, password },
    limits: env["ZTNA_LIMITS"] || "{}",
    timings: env["ZTNA_TIMINGS"] || "{}",
    loginProviders: env["ZTNA_LOGIN_PROVIDERS"] || "{}",
    mail: Object.fromEntries(mailVariables.map((name) => [name, plain(name, env[name] ?? "")])),
  };
}

/** The environment file has no way to write these. */
function plain(name: string, value: string): string {
  if (/['\\\n\r]/.test(value)) throw new Error(`${name} must not contain quotes, backslashes or line breaks`);
  return value;
}

function readFlags(args: readonly string[]): { port: string; host: string; state: string } {
  const text = (fallback: string) => ({ type: "string", default: fallback }) as const;
  try {
    const options = { port: text("8787"), host: text("localhost"), state: text(".state") };
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message.split(". ")[0] : "Wrong flags"}. ${usage}`);
  }
}

function readPort(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 1 && port <= 65_535) return port;
  throw new Error(`--port must be a number from 1 to 65535, not ${text}`);
}
