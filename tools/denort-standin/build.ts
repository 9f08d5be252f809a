import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { run } from "../process/run.ts";

/** Compiles the stand-in for denort to `target`. Needs gcc; Linux only. */
export async function buildStandIn(target: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "ztna-standin-build-"));
  try {
    const source = (name: string) => join(import.meta.dirname, name);
    writeFileSync(join(folder, "loader.inc"), [...readFileSync(source("loader.mjs"))].join(","));
    copyFileSync(source("launcher.c"), join(folder, "launcher.c"));
    mkdirSync(dirname(target), { recursive: true });
    const { code, output } = await run("gcc", ["-Os", "-s", "-Wall", "-o", target, "launcher.c"], { cwd: folder });
    if (code !== 0) throw new Error(`The stand-in for denort does not compile:\n${output.trim()}`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
