import { readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build, type Plugin } from "esbuild";
import { root } from "../process/environment.ts";

const createRequire =
  `import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);`;

/** What the build writes into the program. */
export interface Baked {
  readonly apiUrl: string | undefined;
  /** Seconds since 1970. Every built file bears this time too: it is part of what `deno compile` embeds. */
  readonly builtAt: number;
}

/** Bundles the agent into one flat folder: the program, its data thread and the chunks both share. */
export async function bundleAgent(folder: string, { apiUrl, builtAt }: Baked): Promise<void> {
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
    plugins: [
      bake("default-api-url.ts", "DEFAULT_API_URL", apiUrl),
      bake("built-at.ts", "BUILT_AT", new Date(builtAt * 1000).toISOString().replace(".000Z", "Z")),
    ],
    logLevel: "error",
  });
  rewriteWorkerUrl(folder);
  for (const name of readdirSync(folder)) utimesSync(join(folder, name), builtAt, builtAt);
}

/** Puts a value in the place of a file that holds one constant. */
function bake(file: string, constant: string, value: string | undefined): Plugin {
  return {
    name: `bake ${constant}`,
    setup: ({ onLoad }) => {
      const contents = `export const ${constant} = ${JSON.stringify(value)};`;
      onLoad({ filter: new RegExp(`[/\\\\]${file.replace(".", "\\.")}$`) }, () => ({ contents, loader: "ts" }));
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
