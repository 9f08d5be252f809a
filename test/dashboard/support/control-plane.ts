import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { startControlPlane } from "../../../tools/start/control-plane.ts";
import { buildDashboard } from "../../../tools/start/dashboard.ts";
import { migrate } from "../../../tools/start/migrate.ts";
import { openStateFolder, writeWorkerEnvironment } from "../../../tools/start/state-folder.ts";
import { providerSettings, startSignInProvider } from "../../support/sign-in-provider.ts";

declare module "vitest" {
  interface ProvidedContext {
    url: string;
  }
}

const noLimits = {
  register_per_ip: 0,
  register_per_key: 0,
  setup_per_user: 0,
  signup_per_ip: 0,
  login_per_ip: 0,
  login_per_email: 0,
  cli_login_per_user: 0,
  oauth_per_ip: 0,
};

/** A day of a node key's life ends within a test; the default of 180 does not. */
const timings = { node_key_day_s: 2, key_check_s: 1 };

/** One real Worker on workerd for all page tests, with the dashboard as it would be deployed. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  await buildDashboard(console.log);
  const path = await mkdtemp(join(tmpdir(), "ztna-dashboard-"));
  const folder = openStateFolder(path);
  const provider = await startSignInProvider();
  const environment = await writeWorkerEnvironment(folder, {
    limits: JSON.stringify(noLimits),
    timings: JSON.stringify(timings),
    loginProviders: providerSettings(provider.url),
  });
  await migrate(folder);
  const port = await freePort();
  const plane = await startControlPlane({ host: "127.0.0.1", port }, folder, environment);
  project.provide("url", `http://localhost:${port}`);
  return async () => {
    await plane.stop();
    await provider.close();
    await rm(path, { recursive: true, force: true });
  };
}

function freePort(): Promise<number> {
  return new Promise((settle, fail) => {
    const server = createServer().once("error", fail);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => typeof address === "object" && address !== null ? settle(address.port) : fail(address));
    });
  });
}
