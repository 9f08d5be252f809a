import { dirname } from "node:path";

/** Makes the agent's directory, or shuts an existing one to everybody but its owner. */
export function preparePrivateDirectory(path: string): void {
  try {
    Deno.mkdirSync(path, { recursive: true, mode: 0o700 });
    if (Deno.build.os !== "windows" && ((Deno.statSync(path).mode ?? 0) & 0o077) !== 0) Deno.chmodSync(path, 0o700);
  } catch (cause) {
    throw new Error(`Cannot use the directory ${path}: ${reason(cause)}`, { cause });
  }
}

/** Replaces a file as a whole, readable by its owner only; after a crash it has the old or the new content. */
export function writePrivateFile(path: string, text: string): void {
  replaceFile(path, text, 0o600);
}

export function replaceFile(path: string, content: string | Uint8Array, mode: number): void {
  const temporary = `${path}.${Deno.pid}.tmp`;
  try {
    writeDurably(temporary, content, mode);
    Deno.renameSync(temporary, path);
    syncDirectory(dirname(path));
  } catch (cause) {
    removeFile(temporary);
    throw new Error(`Cannot write ${path}: ${reason(cause)}`, { cause });
  }
}

/** The text of a file, or undefined when there is none. */
export function readFileIfAny(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return undefined;
    throw new Error(`Cannot read ${path}: ${reason(cause)}`, { cause });
  }
}

export function removeFile(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound) && !(cause instanceof Deno.errors.NotADirectory)) {
      throw new Error(`Cannot remove ${path}: ${reason(cause)}`, { cause });
    }
  }
}

function writeDurably(path: string, content: string | Uint8Array, mode: number): void {
  // `mode` counts only for a file that is made: a left-over one must not lend its own.
  removeFile(path);
  const file = Deno.openSync(path, { write: true, createNew: true, mode });
  try {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    for (let written = 0; written < bytes.length;) written += file.writeSync(bytes.subarray(written));
    file.syncSync();
  } finally {
    file.close();
  }
}

function syncDirectory(path: string): void {
  if (Deno.build.os === "windows") return;
  const directory = Deno.openSync(path, { read: true });
  try {
    directory.syncSync();
  } finally {
    directory.close();
  }
}

/** The kernel's own words without Deno's wrapping. */
export function reason(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : String(cause);
  const plain = text.replace(/\(os error \d+\).*$/s, "").replace(/^[A-Z][A-Za-z]+: /, "").trim();
  return plain === "" ? text : plain;
}
