import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { bin, root } from "../process/environment.ts";
import { run } from "../process/run.ts";
import { addStatement, readReleaseOptions, type ReleaseOptions, removeStatement } from "./release.ts";

/** `npm run release`: makes a built agent known to `ztna update --check`, or takes one back. */
try {
  const options = readReleaseOptions(process.argv.slice(2));
  await execute(statementOf(options), options.state);
  const { version, platform, arch, added } = options;
  console.log(`${added === undefined ? "Removed" : "Released"} ${version} for ${platform}/${arch}`);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

function statementOf(options: ReleaseOptions): string {
  if (options.added === undefined) return removeStatement(options);
  const { file, url, notes } = options.added;
  const sha256 = createHash("sha256").update(readFileSync(file)).digest("hex");
  return addStatement(options, { url, sha256, notes }, Date.now());
}

/** By a file: wrangler would take a semicolon in the notes for the end of the statement's argument. */
async function execute(statement: string, state: string | undefined): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "ztna-release-"));
  try {
    const file = join(folder, "release.sql");
    writeFileSync(file, statement);
    const where = state === undefined
      ? ["--remote"]
      : ["--local", "--persist-to", join(resolve(root, state), "storage")];
    const args = ["d1", "execute", "DB", ...where, "--yes", "--file", file];
    const { code, output } = await run(bin("wrangler"), args, { env: { CI: "1", NO_COLOR: "1" } });
    if (code !== 0) throw new Error(`The database refused:\n${output.trim()}`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
