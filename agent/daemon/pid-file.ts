import { readFileIfAny, removeFile } from "./private-file.ts";

/**
 * One VPN per directory: `ztna.pid` is locked as long as its agent lives, so a number that a crash left behind, or one
 * that another program got meanwhile, never counts.
 */
export class PidFile {
  readonly #path: string;
  readonly #file: Deno.FsFile;

  private constructor(path: string, file: Deno.FsFile) {
    this.#path = path;
    this.#file = file;
  }

  /** Undefined when another agent holds it. */
  static claim(path: string): PidFile | undefined {
    for (;;) {
      const file = Deno.openSync(path, { create: true, read: true, write: true, mode: 0o600 });
      if (!file.tryLockSync(true)) {
        file.close();
        return undefined;
      }
      if (isStillAt(path, file)) {
        file.truncateSync(0);
        file.writeSync(new TextEncoder().encode(`${Deno.pid}\n`));
        return new PidFile(path, file);
      }
      file.close();
    }
  }

  release(): void {
    removeFile(this.#path);
    this.#file.close();
  }
}

/** The process id of the agent that runs for this directory, or undefined. */
export function runningPid(path: string): number | undefined {
  let file: Deno.FsFile;
  try {
    file = Deno.openSync(path, { read: true, write: true });
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return undefined;
    throw cause;
  }
  try {
    if (file.tryLockSync(true)) return undefined;
  } finally {
    file.close();
  }
  const pid = Number.parseInt(readFileIfAny(path) ?? "", 10);
  return Number.isInteger(pid) && pid > 0 ? pid : undefined;
}

/** False when the file was removed or replaced between opening and locking it. */
function isStillAt(path: string, file: Deno.FsFile): boolean {
  try {
    return Deno.statSync(path).ino === file.statSync().ino;
  } catch {
    return false;
  }
}
