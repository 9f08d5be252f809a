import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { bin } from "../process/environment.ts";
import { run } from "../process/run.ts";

/** What the program may do; anything else is refused without a question. */
const permissions = ["net", "ffi", "read", "write", "env", "sys", "run"].map((kind) => `--allow-${kind}`);

/** The payload is a bundle of a few hundred kilobytes; more means that something else slipped in. */
const MOST_BYTES = 3_000_000;
const STRANGERS = ["node_modules/deno", "@deno/linux", "typescript.js", "node_modules/.bin"];

export interface Target {
  readonly bundle: string;
  readonly output: string;
  /** The base program to use in place of the one deno finds or downloads. */
  readonly denort?: string | undefined;
}

/** Makes the single file with `deno compile`. */
export async function compileAgent({ bundle, output, denort }: Target): Promise<void> {
  const chunks = readdirSync(bundle).filter((name) => name !== "main.js").sort();
  const args = [
    ...["compile", "--quiet", "--no-check", "--no-config", "--no-lock", "--node-modules-dir=none", "--no-code-cache"],
    ...["--no-prompt", ...permissions, ...chunks.flatMap((name) => ["--include", name])],
    ...["--output", output, "main.js"],
  ];
  rmSync(output, { force: true });
  const env = denort === undefined ? {} : { DENORT_BIN: denort };
  const { code, output: said } = await run(bin("deno"), args, { cwd: bundle, env: { NO_COLOR: "1", ...env } });
  if (code !== 0) throw new CompileError(said.trim());
}

/** `deno compile` refused; the message is what it said. */
export class CompileError extends Error {
  /** True when deno could not have its base program, denort. */
  get isForWantOfBase(): boolean {
    return /denort|dl\.deno\.land|[Dd]ownload/.test(this.message);
  }
}

/** Compiles onto a base of no size and looks at what got in; throws when it is more than the bundle. */
export async function guardPayload(bundle: string): Promise<void> {
  const output = join(bundle, "../payload-check");
  try {
    await compileAgent({ bundle, output, denort: "/bin/true" });
    const bytes = readFileSync(output);
    if (bytes.length > MOST_BYTES) throw new Error(`The payload has ${bytes.length} bytes, more than ${MOST_BYTES}`);
    const stranger = STRANGERS.find((text) => bytes.includes(text));
    if (stranger !== undefined) throw new Error(`The payload holds ${stranger}`);
  } finally {
    rmSync(output, { force: true });
  }
}
