import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { root, toolEnvironment } from "../process/environment.ts";
import type { StartOptions } from "./options.ts";
import type { StateFolder } from "./state-folder.ts";

export interface ControlPlane {
  /** Where programs on this machine reach it. */
  readonly url: string;
  /** Settles when the server ends, whoever ended it. */
  readonly ended: Promise<void>;
  /** Ends the server and everything it started. */
  stop(): Promise<void>;
}

/** Starts the Worker on local workerd and waits until it answers. */
export async function startControlPlane(
  options: Pick<StartOptions, "host" | "port">,
  folder: StateFolder,
  workerEnvironment: string,
  signal?: AbortSignal,
): Promise<ControlPlane> {
  const child = spawnWrangler(options, folder, workerEnvironment);
  const ended = new Promise<void>((settle) => child.once("exit", () => settle()));
  const url = `http://${reachableHost(options.host)}:${options.port}`;
  const plane = { url, ended, stop: () => stop(child, ended) };
  try {
    await answer(url, child, folder, signal);
  } catch (error) {
    await plane.stop();
    throw error;
  }
  return plane;
}

/** The same process group holds wrangler and workerd, and a terminal's Ctrl+C does not reach it: we end it in order. */
function spawnWrangler({ host, port }: Pick<StartOptions, "host" | "port">, folder: StateFolder, envFile: string) {
  writeFileSync(folder.log, "", { mode: 0o600 });
  const log = openSync(folder.log, "a", 0o600);
  const args = [
    ...[join(root, "node_modules/wrangler/bin/wrangler.js"), "dev", "--ip", host, "--port", String(port)],
    ...["--inspector-port", "0", "--show-interactive-dev-session=false", "--persist-to", folder.storage],
    ...["--env-file", envFile],
  ];
  const child = spawn(process.execPath, args, {
    cwd: root,
    detached: true,
    stdio: ["ignore", log, log],
    env: toolEnvironment({ NO_COLOR: "1", CI: "1", WRANGLER_WRITE_LOGS: "false" }),
  });
  closeSync(log);
  return child;
}

function reachableHost(host: string): string {
  if (host === "0.0.0.0" || host === "::" || host === "*") return "localhost";
  return host.includes(":") ? `[${host}]` : host;
}

async function answer(url: string, child: ChildProcess, folder: StateFolder, signal?: AbortSignal): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (Date.now() < deadline && child.exitCode === null && !failedToBuild(folder)) {
    if (signal?.aborted === true) throw new Error("Stopped before it was up");
    try {
      const response = await fetch(`${url}/api/derp-map`, { signal: AbortSignal.timeout(5000) });
      await response.body?.cancel();
      if (response.ok) return;
    } catch {
      // Not there yet.
    }
    await sleep(100);
  }
  const last = readFileSync(folder.log, "utf8").trim().split("\n").slice(-15).join("\n");
  throw new Error(`The control plane did not start. The end of ${folder.log}:\n${last}`);
}

/** Wrangler then waits for the sources to be mended. */
function failedToBuild({ log }: StateFolder): boolean {
  return readFileSync(log, "utf8").includes("Build failed with");
}

async function stop(child: ChildProcess, ended: Promise<void>): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) child.kill("SIGTERM");
  await Promise.race([ended, sleep(5000, undefined, { ref: false })]);
  await endGroup(child.pid!);
}

/** What wrangler may have left behind in its process group, workerd above all. */
async function endGroup(group: number): Promise<void> {
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    for (let tries = 0; tries < 20; tries++) {
      try {
        process.kill(-group, tries === 0 ? signal : 0);
      } catch {
        return;
      }
      await sleep(50);
    }
  }
}
