import { createHash } from "node:crypto";
import { dirname } from "node:path";
import { reason, removeFile } from "./private-file.ts";

export interface Download {
  readonly url: string;
  /** 64 hex digits. */
  readonly sha256: string;
}

/** Bytes so far, and of the whole when that is known. */
export type OnProgress = (received: number, total: number | undefined) => void;

/** Without a byte for so long a download has failed. */
const SILENCE_MS = 30_000;
const ENDED_AFTER_MS = 15 * 60_000;

/**
 * Puts a download in the place of a program, running or not. It is written beside the program, checked and renamed, so that
 * at every moment the old or the new one stands there whole; whatever fails leaves the old one.
 */
export async function replaceProgram(
  program: string,
  { url, sha256 }: Download,
  onProgress: OnProgress,
  onDownloaded: () => void = () => {},
): Promise<void> {
  const before = Deno.statSync(program);
  const draft = `${program}.${Deno.pid}.new`;
  const file = createDraft(draft, program);
  try {
    const found = await download(url, file, onProgress);
    if (found !== sha256.toLowerCase()) throw new Error("the download is damaged: its checksum is another one");
    file.syncSync();
    file.close();
    onDownloaded();
    if (Deno.build.os !== "windows") giveRights(draft, before);
    if (Deno.build.os === "windows") swapAside(draft, program);
    else Deno.renameSync(draft, program);
  } catch (cause) {
    closeAnyway(file);
    removeFile(draft);
    throw new Error(`not updated: ${whyNot(cause)}. ${program} is as it was`, { cause });
  }
}

function createDraft(draft: string, program: string): Deno.FsFile {
  try {
    removeFile(draft);
    return Deno.openSync(draft, { write: true, createNew: true, mode: 0o600 });
  } catch (cause) {
    throw new Error(
      `no right to write in ${dirname(program)}: ${reason(cause)}. Run 'ztna update' as the user who installed it`,
      { cause },
    );
  }
}

/** Answers the SHA-256 of what was written. */
async function download(url: string, file: Deno.FsFile, onProgress: OnProgress): Promise<string> {
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(), SILENCE_MS);
  try {
    const signal = AbortSignal.any([silence.signal, AbortSignal.timeout(ENDED_AFTER_MS)]);
    const response = await fetch(url, { signal });
    if (!response.ok || response.body === null) {
      await response.body?.cancel();
      throw new Error(`${new URL(url).host} answers ${response.status} to the download`);
    }
    const total = Number(response.headers.get("content-length")) || undefined;
    const hash = createHash("sha256");
    let received = 0;
    for await (const chunk of response.body) {
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), SILENCE_MS);
      hash.update(chunk);
      for (let written = 0; written < chunk.length;) written += file.writeSync(chunk.subarray(written));
      onProgress(received += chunk.length, total);
    }
    return hash.digest("hex");
  } finally {
    clearTimeout(timer);
  }
}

/** Those of the program before; only root may give a file away. */
function giveRights(draft: string, { mode, uid, gid }: Deno.FileInfo): void {
  if (Deno.uid() === 0) Deno.chownSync(draft, uid, gid);
  if (mode !== null) Deno.chmodSync(draft, mode & 0o7777);
}

/** For Windows, where a program that runs can be renamed but not replaced. */
export function swapAside(draft: string, program: string): void {
  const old = asideOf(program);
  Deno.renameSync(program, old);
  try {
    Deno.renameSync(draft, program);
  } catch (cause) {
    Deno.renameSync(old, program);
    throw cause;
  }
}

/** What the update before has left behind may still run. */
function asideOf(program: string): string {
  const old = `${program}.old`;
  try {
    removeFile(old);
    return old;
  } catch {
    return `${program}.${Deno.pid}.old`;
  }
}

function closeAnyway(file: Deno.FsFile): void {
  try {
    file.close();
  } catch {
    // It was closed before.
  }
}

function whyNot(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : String(cause);
  if (/os error 28\b|ENOSPC|no space left/i.test(text)) return "the disk is full";
  if (cause instanceof DOMException && ["AbortError", "TimeoutError"].includes(cause.name)) {
    return "the download has stopped";
  }
  if (cause instanceof TypeError) return "the download cannot be had or has broken off";
  return reason(cause);
}
