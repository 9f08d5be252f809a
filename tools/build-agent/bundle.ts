import { readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build, type Plugin } from "esbuild";
import { root } from "../process/environment.ts";

/** The `require` of bundled CommonJS packages. Importing `node:module` for one would cost every command 20 ms. */
const requireBuiltin = `const require = (name) => {
  const found = globalThis.process.getBuiltinModule(name);
  if (found === undefined) throw new Error(name + " is not part of this program");
  return found;
};`;

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
    banner: { js: requireBuiltin },
    plugins: [
      leanCommander,
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

/**
 * Commander loads modules it needs only for subcommands that are programs of their own, and `process` before anybody asks
 * for it: together a third of the time of a short command.
 */
const leanCommander: Plugin = {
  name: "lean commander",
  setup: ({ onResolve, onLoad }) => {
    const namespace = "for-commander";
    const contents: Record<string, string> = {
      "node:events": `export { EventEmitter } from "node:events";`,
      "node:path": `export * from "node:path";`,
      "node:process": "module.exports = new Proxy({}, { get: (_, name) => globalThis.process[name] });",
      "node:fs": "module.exports = {};",
      "node:child_process": "module.exports = {};",
    };
    onResolve({ filter: /^node:/ }, ({ path, kind, importer }) => {
      const isRequired = kind === "require-call" && /[/\\]node_modules[/\\]commander[/\\]/.test(importer);
      return isRequired ? { path, namespace } : undefined;
    });
    onLoad({ filter: /.*/, namespace }, ({ path }) => ({ contents: contents[path]! }));
  },
};

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
