import { spawn } from "node:child_process";
import { root, toolEnvironment } from "./environment.ts";

export interface Finished {
  /** Exit code; 128 and the signal's meaning is not told apart: a killed program has code 1. */
  readonly code: number;
  /** Standard output and standard error as they came. */
  readonly output: string;
  readonly ms: number;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Shows the output while it comes. */
  readonly show?: boolean;
  readonly signal?: AbortSignal;
}

/** Runs a program to its end and returns what it printed. A program that cannot start has code 127. */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  const started = performance.now();
  return new Promise((settle) => {
    const child = spawn(command, args, {
      cwd: options.cwd ?? root,
      env: toolEnvironment(options.env),
      stdio: ["ignore", "pipe", "pipe"],
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    let output = "";
    const take = (to: NodeJS.WriteStream) => (chunk: Buffer) => {
      output += chunk.toString();
      if (options.show === true) to.write(chunk);
    };
    child.stdout.on("data", take(process.stdout));
    child.stderr.on("data", take(process.stderr));
    const finish = (code: number) => settle({ code, output, ms: performance.now() - started });
    child.on("error", (error) => {
      output += `${error.message}\n`;
      finish(127);
    });
    child.on("close", (code) => finish(code ?? 1));
  });
}
