import { fileURLToPath } from "node:url";

/** What the agent in the background tells the one who started it, as JSON lines on its standard output. */
export type StartLine =
  | { readonly type: "line" | "warn"; readonly text: string }
  | { readonly type: "ready"; readonly nodeKey: string }
  | { readonly type: "pending" }
  | { readonly type: "failed"; readonly text: string };

/** Set for an agent in the background: it speaks `StartLine` until it is ready, then nothing. */
export const DETACHED_VARIABLE = "ZTNA_DETACHED";

export interface Detached {
  readonly pid: number;
  /** The answer of the new agent: `ready`, `pending` or `failed`. */
  readonly outcome: StartLine;
}

/** The permissions a run from source needs; a compiled program has them baked in. */
const RUN_FLAGS = [
  "run",
  "--quiet",
  "--no-lock",
  "--cached-only",
  "--no-prompt",
  "--allow-net",
  "--allow-ffi",
  "--allow-read",
  "--allow-write",
  "--allow-env",
  "--allow-sys",
  "--allow-run",
];

/** Starts this program again in a session of its own and returns when it is up or has failed. */
export async function startDetached(
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
  onLine: (line: StartLine) => void,
): Promise<Detached> {
  const child = new Deno.Command(Deno.execPath(), {
    args: Deno.build.standalone ? [...args] : [...RUN_FLAGS, fileURLToPath(Deno.mainModule), ...args],
    env: { ...environment, [DETACHED_VARIABLE]: "1" },
    cwd: "/",
    stdin: "null",
    stdout: "piped",
    stderr: "null",
    detached: true,
  }).spawn();
  child.unref();
  let outcome: StartLine = {
    type: "failed",
    text: "The agent in the background ended without a word. See 'ztna log'.",
  };
  for await (const line of startLines(child.stdout)) {
    onLine(line);
    if (line.type === "line" || line.type === "warn") continue;
    outcome = line;
    break;
  }
  return { pid: child.pid, outcome };
}

async function* startLines(stream: ReadableStream<Uint8Array>): AsyncGenerator<StartLine> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop()!;
    for (const line of lines) {
      try {
        yield JSON.parse(line) as StartLine;
      } catch {
        // A runtime's own words, not ours.
      }
    }
  }
}
