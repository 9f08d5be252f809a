import { existsSync, globSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bin, root } from "../process/environment.ts";
import { run } from "../process/run.ts";

const built = join(root, "dist/dashboard/index.html");

/** Builds the dashboard when a source is newer than the last build. Says so through `progress`. */
export async function buildDashboard(progress: (line: string) => void): Promise<void> {
  mkdirSync(join(root, "dist/dashboard"), { recursive: true });
  if (!existsSync(join(root, "dashboard/main.tsx"))) return writeStandIn();
  if (isFresh()) return;
  progress("Building the dashboard");
  const { code, output } = await run(bin("vite"), ["build", "dashboard"], { env: { NO_COLOR: "1" } });
  if (code !== 0) throw new Error(`The dashboard does not build:\n${output.trim()}`);
}

function isFresh(): boolean {
  if (!existsSync(built)) return false;
  const builtAt = statSync(built).mtimeMs;
  const sources = globSync("{dashboard,protocol,domain}/**/*.{ts,tsx,css,html,json,svg}", { cwd: root });
  return ["package-lock.json", ...sources].every((source) => statSync(join(root, source)).mtimeMs <= builtAt);
}

/** Wrangler wants the folder to hold something. */
function writeStandIn(): void {
  if (!existsSync(built)) writeFileSync(built, "<!doctype html><title>QuickZTNA</title>\n");
}
