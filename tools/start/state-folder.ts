import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { StartOptions } from "./options.ts";
import { makeWorkerSecrets, type WorkerSecrets } from "./worker-secrets.ts";

/** What `npm start` keeps between runs. Everything in the folder is for its owner's eyes only. */
export interface StateFolder {
  readonly path: string;
  readonly log: string;
  /** Where the Worker's database and objects lie. */
  readonly storage: string;
}

export function openStateFolder(path: string): StateFolder {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  chmodSync(path, 0o700);
  return { path, log: join(path, "wrangler.log"), storage: join(path, "storage") };
}

/** The Worker's settings as an environment file; the secrets in it are made once and kept. */
export async function writeWorkerEnvironment(
  folder: StateFolder,
  settings: Pick<StartOptions, "limits" | "timings"> & Partial<Pick<StartOptions, "loginProviders" | "mail">>,
): Promise<string> {
  const lines = {
    ...await keptSecrets(folder),
    ZTNA_LIMITS: oneLine(settings.limits),
    ZTNA_TIMINGS: oneLine(settings.timings),
    ZTNA_LOGIN_PROVIDERS: oneLine(settings.loginProviders ?? "{}"),
    ...settings.mail,
  };
  const file = join(folder.path, "worker.env");
  writePrivately(file, Object.entries(lines).map(([name, value]) => `${name}='${value}'\n`).join(""));
  return file;
}

/** A small JSON file of the folder, or undefined when it is not there or not whole. */
export function readKept<T>(folder: StateFolder, name: string): T | undefined {
  try {
    return JSON.parse(readFileSync(join(folder.path, name), "utf8"));
  } catch {
    return undefined;
  }
}

export function keep(folder: StateFolder, name: string, value: unknown): void {
  writePrivately(join(folder.path, name), `${JSON.stringify(value, null, 2)}\n`);
}

async function keptSecrets(folder: StateFolder): Promise<WorkerSecrets> {
  const kept = readKept<WorkerSecrets>(folder, "secrets.json");
  if (kept !== undefined) return kept;
  if (existsSync(join(folder.path, "secrets.json"))) {
    throw new Error(`${join(folder.path, "secrets.json")} cannot be read; the stored keys depend on it`);
  }
  const secrets = await makeWorkerSecrets();
  keep(folder, "secrets.json", secrets);
  return secrets;
}

function oneLine(json: string): string {
  // The file has no way to write a single quote, and JSON does not need one.
  return JSON.stringify(JSON.parse(json)).replaceAll("'", "\\u0027");
}

function writePrivately(file: string, text: string): void {
  writeFileSync(file, text, { mode: 0o600 });
  chmodSync(file, 0o600);
}
