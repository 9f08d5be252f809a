import { call } from "#protocol/api/call.ts";
import { login, logout, type Session } from "#protocol/api/auth.ts";
import { ZtnaError } from "#protocol/errors.ts";
import { type AgentConfig, requireApiUrl, updateConfigFile } from "./config.ts";
import { stopAgent } from "./down.ts";
import { preparePrivateDirectory, removeFile } from "./private-file.ts";
import { readState } from "./state-file.ts";
import { readTokens, writeTokens } from "./tokens-file.ts";

const ANSWER_MS = 20_000;
const BACKUPS = ["state.json", "tokens.json", "machine-token.json", "netmap.json"];

/** Trades an e-mail address and a password for a session kept in `tokens.json`. */
export async function loginWithPassword(config: AgentConfig, email: string, password: string): Promise<void> {
  if (email === "" || password === "") throw new Error("email and password are required");
  const apiUrl = requireApiUrl(config);
  preparePrivateDirectory(config.paths.directory);
  const session = await call(fetch, apiUrl, login, { email, password }, { signal: AbortSignal.timeout(ANSWER_MS) })
    .catch((error) => {
      throw new Error(`login failed: ${loginProblem(error)}`, { cause: error });
    });
  keepLogin(config, session);
}

/** Keeps the session of a person who has logged in. */
export function keepLogin(config: AgentConfig, { access_token, refresh_token }: Session): void {
  const api_url = requireApiUrl(config);
  writeTokens(config.paths.tokens, { access_token, refresh_token, api_url });
  updateConfigFile(config, { api_url });
}

/** Stops the agent, ends the session and forgets the machine; the configuration with the org id stays. */
export async function logoutHere(config: AgentConfig): Promise<void> {
  await stopAgent(config);
  const { paths } = config;
  const tokens = readTokens(paths.tokens);
  if (tokens !== undefined) {
    // The session also ends by itself; a server that is away must not keep anybody logged in here.
    await call(fetch, tokens.api_url, logout, { refresh_token: tokens.refresh_token }, {
      signal: AbortSignal.timeout(ANSWER_MS / 4),
    }).catch(() => undefined);
  }
  for (const path of [paths.tokens, paths.machineToken, paths.state, paths.netMap]) removeFile(path);
  removeLeftOvers(paths.directory);
}

/** True when an agent of this directory holds a registration. */
export function isRegistered(config: AgentConfig): boolean {
  return readState(config.paths.state)?.registration != null;
}

function loginProblem(error: unknown): string {
  if (!(error instanceof ZtnaError)) return "no answer in time. Try again";
  if (error.code === "INVALID_CREDENTIALS") return "invalid credentials";
  return error.code === "RATE_LIMITED" ? "rate limited" : error.message;
}

/** Secrets in files that a crash left half written. */
function removeLeftOvers(directory: string): void {
  try {
    for (const { name } of Deno.readDirSync(directory)) {
      if (BACKUPS.some((file) => name.startsWith(`${file}.`) && name.endsWith(".tmp"))) {
        removeFile(`${directory}/${name}`);
      }
    }
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
  }
}
