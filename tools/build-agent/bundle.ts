import { readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build, type Plugin } from "esbuild";
import { root } from "../process/environment.ts";

/** Every built file bears this time: the time is part of what `deno compile` embeds. */
const BUILD_TIME_S = 1_700_000_000;

const createRequire =
  `import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);`;

/** Bundles the agent into one flat folder: the program, its data thread and the chunks both share. */
export async function bundleAgent(folder: string, apiUrl: string | undefined): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  await build({
    absWorkingDir: root,
    entryPoints: { main: "agent/main.ts", "data-worker": "agent/daemon/data-worker.ts" },
    outdir: folder,
    bundle: true,
    splitting: true,
    chunkNames: "chunk-[hash]",
    platform: "node",
    format: "esm",
    target: "esnext",
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: "none",
    external: ["bufferutil", "utf-8-validate"],
    banner: { js: createRequire },
    plugins: apiUrl === undefined ? [] : [bakeApiUrl(apiUrl)],
    logLevel: "error",
  });
  rewriteWorkerUrl(folder);
  for (const name of readdirSync(folder)) utimesSync(join(folder, name), BUILD_TIME_S, BUILD_TIME_S);
}

function bakeApiUrl(apiUrl: string): Plugin {
  return {
    name: "bake-api-url",
    setup: ({ onLoad }) => {
      const contents = `export const DEFAULT_API_URL = ${JSON.stringify(apiUrl)};`;
      onLoad({ filter: /[/\\]default-api-url\.ts$/ }, () => ({ contents, loader: "ts" }));
    },
  };
}

/** esbuild leaves the URL of a worker as it is in the source. */
function rewriteWorkerUrl(folder: string): void {
  let found = false;
  for (const name of readdirSync(folder)) {
    const file = join(folder, name);
    const text = readFileSync(file, "utf8");
    const rewritten = text.replaceAll(/(["'`])\.\/data-worker\.ts\1/g, `"./data-worker.js"`);
    found ||= rewritten !== text;
    writeFileSync(file, rewritten);
  }
  if (!found) throw new Error("The bundle starts no ./data-worker.ts: has its place changed?");
}
