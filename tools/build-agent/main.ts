import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import { buildStandIn } from "../denort-standin/build.ts";
import { root } from "../process/environment.ts";
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
  await bundleAgent(bundle, values["api-url"] === undefined ? undefined : readUrl(values["api-url"]));
  await guardPayload(bundle);
  await compileAgent({ bundle, output, denort: values.standin ? await standIn() : undefined });
  console.log(`Built ${shown(output)} (sha256 ${sha256(output)})`);
} catch (error) {
  process.exitCode = 1;
  if (error instanceof CompileError && !values.standin) {
    writeLauncher(output);
    console.error(`No single file: deno's base program (denort) could not be had: ${error.message}`);
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

function readUrl(text: string): string {
  const { protocol, href } = new URL(text);
  if (protocol !== "https:" && protocol !== "http:") throw new Error("--api-url must start with https:// or http://");
  return href.replace(/\/+$/, "");
}

function sha256(file: string): string {
  return createHash("sha256").update(readFileSync(file)).digest("hex");
}

function shown(path: string): string {
  return relative(process.cwd(), path) || path;
}
