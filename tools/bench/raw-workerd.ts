import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { root } from "../process/environment.ts";

export interface RawWorkerd {
  /** Address of workerd's own socket: no proxy between. */
  readonly url: string;
  stop(): Promise<void>;
}

interface Miniflare {
  readonly ready: Promise<URL>;
  getD1Database(binding: string): Promise<{ prepare(sql: string): { run(): Promise<unknown> } }>;
  dispose(): Promise<void>;
}

interface MiniflareModule {
  readonly Miniflare: new (options: object) => Miniflare;
  convertV4MiniflareOptions(options: object): Record<string, unknown>;
}

/** Runs a Worker that holds the real one on the workerd that wrangler pins, with storage on disk. */
export async function startRawWorkerd(
  bindings: Record<string, string>,
  entry = "tools/bench/worker.ts",
): Promise<RawWorkerd> {
  const state = mkdtempSync(join(tmpdir(), "ztna-bench-"));
  const port = await freePort();
  const { Miniflare, convertV4MiniflareOptions } = createRequire(join(root, "node_modules/wrangler/package.json"))(
    "miniflare",
  ) as MiniflareModule;
  const miniflare = new Miniflare({
    ...convertV4MiniflareOptions({
      name: "bench",
      modules: [{ type: "ESModule", path: "index.js", contents: await bundleWorker(entry) }],
      compatibilityDate: compatibilityDate(),
      compatibilityFlags: ["nodejs_compat"],
      bindings,
      d1Databases: { DB: "bench" },
      durableObjects: {
        ORG: { className: "OrgObject", useSQLite: true },
        RELAY: { className: "DerpRelay", useSQLite: true },
      },
      cf: false,
      port: 0,
      unsafeDirectSockets: [{ host: "127.0.0.1", port }],
    }),
    resourcePersistencePath: state,
  });
  await miniflare.ready;
  await migrate(miniflare);
  const stop = async () => {
    await miniflare.dispose();
    rmSync(state, { recursive: true, force: true });
  };
  return { url: `http://127.0.0.1:${port}`, stop };
}

async function bundleWorker(entry: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(root, entry)],
    bundle: true,
    write: false,
    minify: true,
    format: "esm",
    target: "es2024",
    conditions: ["workerd", "worker", "browser"],
    external: ["cloudflare:*", "node:*"],
  });
  return outputFiles[0]!.text;
}

function compatibilityDate(): string {
  const toml = readFileSync(join(root, "wrangler.toml"), "utf8");
  return /^compatibility_date = "(.+)"$/m.exec(toml)![1]!;
}

async function migrate(miniflare: Miniflare): Promise<void> {
  const db = await miniflare.getD1Database("DB");
  const folder = join(root, "d1-migrations");
  const files = readdirSync(folder).filter((name) => name.endsWith(".sql")).sort();
  const statements = files.flatMap((name) =>
    readFileSync(join(folder, name), "utf8").split("--> statement-breakpoint")
  );
  const bench = "CREATE TABLE bench (id TEXT PRIMARY KEY, name TEXT NOT NULL, created_at INTEGER NOT NULL)";
  for (const sql of [...statements, bench]) await db.prepare(sql).run();
}

function freePort(): Promise<number> {
  return new Promise((settle) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => settle(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
