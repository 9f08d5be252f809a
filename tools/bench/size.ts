import { readdirSync, readFileSync, rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { bin, root } from "../process/environment.ts";
import { run } from "../process/run.ts";
import { buildDashboard } from "../start/dashboard.ts";

/** `npm run bench:size`: what people download and wait for, beside the budgets. */
const folder = await mkdtemp(join(tmpdir(), "ztna-size-"));
try {
  await buildDashboard(console.log);
  report("Worker, gzip", await workerKilobytes(), 150, "KB");
  report("Worker start-up", await startupMs(), 400, "ms");
  report("Dashboard first load, gzip", dashboardKilobytes(), 150, "KB");
  report("ztna status, warm", await statusMs(), 80, "ms");
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function report(what: string, value: number | undefined, budget: number, unit: string): void {
  const measured = value === undefined ? "not measured" : `${value.toFixed(1)} ${unit}`;
  const verdict = value === undefined ? "" : value <= budget ? "within" : "OVER";
  console.log(`${what.padEnd(30)} ${measured.padStart(12)}   budget ${budget} ${unit}  ${verdict}`);
}

async function workerKilobytes(): Promise<number | undefined> {
  const { output } = await run(bin("wrangler"), [
    "deploy",
    "--dry-run",
    "--minify",
    "--outdir",
    join(folder, "worker"),
  ]);
  const size = /gzip: ([\d.]+) KiB/.exec(output)?.[1];
  return size === undefined ? undefined : Number(size) * 1.024;
}

/** The middle of three profiles: the time between the first and the last sample that was not idle. */
async function startupMs(): Promise<number | undefined> {
  const times: number[] = [];
  for (let round = 0; round < 3; round++) {
    const profile = join(folder, `startup-${round}.cpuprofile`);
    await run(bin("wrangler"), ["check", "startup", "--outfile", profile], { env: { CI: "1" } });
    const busy = busyMs(profile);
    if (busy !== undefined) times.push(busy);
  }
  return middle(times);
}

interface Profile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: { readonly functionName: string } }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

function busyMs(file: string): number | undefined {
  let profile: Profile;
  try {
    profile = JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return undefined;
  }
  const idle = new Set(
    profile.nodes.filter(({ callFrame }) => callFrame.functionName === "(idle)").map(({ id }) => id),
  );
  const { samples, timeDeltas } = profile;
  return samples.reduce((sum, id, index) => idle.has(id) ? sum : sum + timeDeltas[index]!, 0) / 1000;
}

/** The page with every script and style it names, followed through the static imports of those scripts. */
function dashboardKilobytes(): number {
  const dist = join(root, "dist/dashboard");
  const page = readFileSync(join(dist, "index.html"));
  const assets = readdirSync(join(dist, "assets"));
  const wanted = assets.filter((name) => page.includes(`assets/${name}`));
  for (const name of wanted) {
    if (!name.endsWith(".js")) continue;
    const imports = readFileSync(join(dist, "assets", name), "utf8").matchAll(
      /(?:from|^import|;import)\s*"\.\/([^"]+)"/g,
    );
    for (const [, found] of imports) if (!wanted.includes(found!)) wanted.push(found!);
  }
  const files = [page, ...wanted.map((name) => readFileSync(join(dist, "assets", name)))];
  return files.reduce((sum, content) => sum + gzipSync(content, { level: 9 }).length, 0) / 1000;
}

/** The built bundle under the installed deno, twenty times. */
async function statusMs(): Promise<number | undefined> {
  const out = join(folder, "agent");
  const built = await run("node", [join(root, "tools/build-agent/main.ts"), "--standin", "--out", out]);
  if (built.code !== 0) return undefined;
  const env = { HOME: folder, ZTNA_STANDIN_DENO: bin("deno") };
  const times: number[] = [];
  for (let round = 0; round < 22; round++) {
    const { code, ms } = await run(join(out, "ztna"), ["status"], { env });
    if (code !== 0) return undefined;
    if (round > 1) times.push(ms);
  }
  return middle(times);
}

function middle(values: readonly number[]): number | undefined {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}
