import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import { buildStandIn } from "../denort-standin/build.ts";
import { root } from "../process/environment.ts";
import { run } from "../process/run.ts";
import { bundleAgent } from "./bundle.ts";
import { compileAgent, CompileError, guardPayload } from "./compile.ts";
import { writeLauncher } from "./launcher.ts";

/**
 * `npm run build:agent`: the agent as a single file in dist/agent. `--api-url` bakes in a control plane, `--standin` uses
 * our stand-in for denort (tests only), `--out` chooses another folder.
 */
const { values } = parseArgs({
  options: {
    "api-url": { type: "string" },
    out: { type: "string", default: "dist/agent" },
    standin: { type: "boolean", default: false },
  },
});

const folder = resolve(root, values.out);
const bundle = join(folder, "bundle");
const output = join(folder, "ztna");
try {
  await bundleAgent(bundle, { apiUrl: readUrl(values["api-url"]), builtAt: await buildTime() });
  await guardPayload(bundle);
  await compileAgent({ bundle, output, denort: values.standin ? await standIn() : undefined });
  console.log(`Built ${shown(output)} (sha256 ${sha256(output)})`);
} catch (error) {
  process.exitCode = 1;
  if (error instanceof CompileError && !values.standin && error.isForWantOfBase) {
    writeLauncher(output);
    console.error(`No single file: deno's base program (denort) is neither seeded nor reachable.`);
    console.error(
      `Wrote ${shown(output)} as a script that needs an installed deno. docs/architecture.md says how to seed denort.`,
    );
  } else {
    console.error(error instanceof Error ? error.message : String(error));
  }
}

async function standIn(): Promise<string> {
  const denort = join(folder, "denort-standin");
  await buildStandIn(denort);
  return denort;
}

function readUrl(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const { protocol, href } = new URL(text);
  if (protocol !== "https:" && protocol !== "http:") throw new Error("--api-url must start with https:// or http://");
  return href.replace(/\/+$/, "");
}

/** The time of the commit, so that the same sources make the same bits. */
async function buildTime(): Promise<number> {
  const given = Number(process.env["SOURCE_DATE_EPOCH"]);
  if (given > 0) return given;
  const { code, output } = await run("git", ["log", "-1", "--format=%ct"]);
  return code === 0 ? Number(output.trim()) : 1_700_000_000;
}

function sha256(file: string): string {
  return createHash("sha256").update(readFileSync(file)).digest("hex");
}

function shown(path: string): string {
  return relative(process.cwd(), path) || path;
}
