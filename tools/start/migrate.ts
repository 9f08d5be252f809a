import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { bin, root } from "../process/environment.ts";
import { run } from "../process/run.ts";
import { keep, readKept, type StateFolder } from "./state-folder.ts";

/** Brings the local database up to date; does nothing when it has every migration. */
export async function migrate(folder: StateFolder): Promise<void> {
  const migrations = readdirSync(join(root, "d1-migrations")).filter((name) => name.endsWith(".sql")).sort();
  const wanted = migrations.map((name) => `${name} ${statSync(join(root, "d1-migrations", name)).size}`);
  if (JSON.stringify(readKept(folder, "migrations.json")) === JSON.stringify(wanted)) return;
  const args = ["d1", "migrations", "apply", "DB", "--local", "--persist-to", folder.storage];
  const { code, output } = await run(bin("wrangler"), args, { env: { CI: "1", NO_COLOR: "1" } });
  if (code !== 0) throw new Error(`The database migrations failed:\n${output.trim()}`);
  keep(folder, "migrations.json", wanted);
}
