import { localDown } from "#protocol/local/daemon.ts";
import type { AgentConfig } from "./config.ts";
import { askAgent } from "./local-client.ts";
import { runningPid } from "./pid-file.ts";

export interface DownResult {
  readonly pid: number;
  readonly offlineReported: boolean;
}

const ENDS_MS = 8_000;
const LOOK_MS = 25;

/** Stops the running agent and waits for its end; undefined when none runs. */
export async function stopAgent({ paths }: AgentConfig): Promise<DownResult | undefined> {
  const pid = runningPid(paths.pid);
  if (pid === undefined) return undefined;
  const offlineReported = await askToStop(paths, pid);
  if (!await ends(paths.pid, ENDS_MS)) {
    signal(pid, "SIGKILL");
    if (!await ends(paths.pid, ENDS_MS)) throw new Error(`The agent (PID ${pid}) does not stop. End it by hand.`);
  }
  return { pid, offlineReported };
}

/** By the local API, or by a signal when it does not answer. */
async function askToStop(paths: AgentConfig["paths"], pid: number): Promise<boolean> {
  try {
    const answer = await askAgent(paths, localDown, {});
    return answer?.offline_reported ?? true;
  } catch {
    signal(pid, "SIGTERM");
    return false;
  }
}

async function ends(pidFile: string, withinMs: number): Promise<boolean> {
  for (let waited = 0; waited < withinMs; waited += LOOK_MS) {
    if (runningPid(pidFile) === undefined) return true;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  return runningPid(pidFile) === undefined;
}

function signal(pid: number, name: Deno.Signal): void {
  try {
    Deno.kill(pid, name);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return;
    throw new Error(`No right to stop the agent (PID ${pid}). Run 'ztna down' as the user who started it.`, { cause });
  }
}
