import { call } from "#protocol/api/call.ts";
import type { Endpoint, InputOf, ResponseOf } from "#protocol/api/endpoint.ts";
import type { AgentPaths } from "./paths.ts";
import { runningPid } from "./pid-file.ts";

const ANSWER_MS = 70_000;

/** Asks the running agent, or answers undefined when none runs for this directory. */
export async function askAgent<E extends Endpoint>(
  paths: AgentPaths,
  endpoint: E,
  input: InputOf<E>,
): Promise<ResponseOf<E> | undefined> {
  if (runningPid(paths.pid) === undefined) return undefined;
  const client = Deno.createHttpClient({ proxy: { transport: "unix", path: paths.socket } });
  try {
    const send = (url: string, init: RequestInit) => fetch(url, { ...init, client });
    return await call(send, "http://agent", endpoint, input, { signal: AbortSignal.timeout(ANSWER_MS) });
  } finally {
    client.close();
  }
}
