import { networkInterfaces } from "node:os";
import { type ControlPlane, startControlPlane } from "./control-plane.ts";
import { buildDashboard } from "./dashboard.ts";
import { ensureFirstOwner, type FirstOwner } from "./first-owner.ts";
import { migrate } from "./migrate.ts";
import { readOptions, type StartOptions } from "./options.ts";
import { ensurePortFree } from "./port.ts";
import { openStateFolder, writeWorkerEnvironment } from "./state-folder.ts";

/** `npm start`: the whole control plane on this machine, until Ctrl+C. */
const stopping = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => stopping.abort());

try {
  await main(readOptions(process.argv.slice(2), process.env));
} catch (error) {
  if (stopping.signal.aborted) process.exit(0);
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}

async function main(options: StartOptions): Promise<void> {
  await ensurePortFree(options.host, options.port);
  const folder = openStateFolder(options.state);
  const workerEnvironment = await writeWorkerEnvironment(folder, options);
  await buildDashboard(console.log);
  await migrate(folder);
  console.log("Starting the control plane");
  const plane = await startControlPlane(options, folder, workerEnvironment, stopping.signal);
  try {
    announce(options, plane.url, await ensureFirstOwner(plane.url, folder, options.owner), folder.log);
    await waitForEnd(plane, folder.log);
  } finally {
    await plane.stop();
  }
}

async function waitForEnd(plane: ControlPlane, log: string): Promise<void> {
  await Promise.race([askedToStop(), plane.ended]);
  if (!stopping.signal.aborted) throw new Error(`The control plane ended by itself; see ${log}`);
  console.log("\nStopping");
}

function askedToStop(): Promise<void> {
  const { signal } = stopping;
  return new Promise((settle) => signal.aborted ? settle() : signal.addEventListener("abort", () => settle()));
}

function announce(options: StartOptions, url: string, owner: FirstOwner, log: string): void {
  const lines = [
    "",
    `QuickZTNA is up.  Log in at ${url}/`,
    `  e-mail:    ${owner.email}`,
    owner.newPassword === undefined
      ? `  password:  the one this account was made with`
      : `  password:  ${owner.newPassword}   (shown this once)`,
    "",
    "Enrol this machine (as root, for the TUN device):",
    `  export ZTNA_API_URL="${enrolUrl(options, url)}"`,
    owner.authKey === undefined
      ? `  export ZTNA_AUTH_KEY="tskey-auth-..."   # make one in the dashboard: Settings, Auth Keys`
      : `  export ZTNA_AUTH_KEY="${owner.authKey}"`,
    `  npx ztna up`,
    "",
    `The server's log is ${log}. Press Ctrl+C to stop.`,
  ];
  console.log(lines.join("\n"));
}

/** Where other machines reach us, when we listen for them. */
function enrolUrl({ host, port }: StartOptions, url: string): string {
  if (host !== "0.0.0.0" && host !== "::") return url;
  const outside = Object.values(networkInterfaces()).flat().find((one) => one?.family === "IPv4" && !one.internal);
  return outside === undefined ? url : `http://${outside.address}:${port}`;
}
