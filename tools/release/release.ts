import { parseArgs } from "node:util";
import {
  type ReleaseArchitecture,
  releaseArchitectures,
  type ReleasePlatform,
  releasePlatforms,
} from "#protocol/api/client-version.ts";

export const usage = "Usage: npm run release -- add|remove --version 1.2.3 --platform linux|windows|macos " +
  "--arch amd64|arm64 [--file <program> --url <download> --notes <text>] [--remote | --state .state]";

export interface ReleaseName {
  readonly version: string;
  readonly platform: ReleasePlatform;
  readonly arch: ReleaseArchitecture;
}

export interface ReleaseOptions extends ReleaseName {
  /** What is added; undefined to remove it. */
  readonly added: { readonly file: string; readonly url: string; readonly notes: string | undefined } | undefined;
  /** Folder of `npm start`, or undefined for the deployed database. */
  readonly state: string | undefined;
}

/** Reads the command line; throws one sentence when something is wrong. */
export function readReleaseOptions(args: readonly string[]): ReleaseOptions {
  const { positionals: [action], values } = readFlags(args);
  if (action !== "add" && action !== "remove") throw new Error(usage);
  const version = required("version", values.version).replace(/^v/, "");
  if (!/^\d+(\.\d+){1,3}$/.test(version)) throw new Error(`--version must look like 1.2.3, not ${version}`);
  return {
    version,
    platform: oneOf("platform", values.platform, releasePlatforms),
    arch: oneOf("arch", values.arch, releaseArchitectures),
    added: action === "remove"
      ? undefined
      : { file: required("file", values.file), url: readUrl(required("url", values.url)), notes: values.notes },
    state: values.remote === true ? undefined : values.state ?? ".state",
  };
}

/** Adds the release, or puts it in the place of one of the same name. */
export function addStatement(
  { version, platform, arch }: ReleaseName,
  release: { readonly url: string; readonly sha256: string; readonly notes: string | undefined },
  now: number,
): string {
  const values = [platform, arch, version, release.url, release.sha256, release.notes ?? null];
  return "INSERT OR REPLACE INTO client_versions " +
    "(platform, arch, version, download_url, checksum_sha256, release_notes, published_at) " +
    `VALUES (${values.map(quoted).join(", ")}, ${now});\n`;
}

export function removeStatement({ version, platform, arch }: ReleaseName): string {
  return `DELETE FROM client_versions WHERE platform = ${quoted(platform)} AND arch = ${quoted(arch)} ` +
    `AND version = ${quoted(version)};\n`;
}

function readFlags(args: readonly string[]) {
  const text = { type: "string" } as const;
  const options = { version: text, platform: text, arch: text, file: text, url: text, notes: text, state: text };
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { ...options, remote: { type: "boolean" } },
    });
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message.split(". ")[0] : "Wrong flags"}. ${usage}`);
  }
}

function required(name: string, value: string | undefined): string {
  if (value !== undefined && value !== "") return value;
  throw new Error(`--${name} is missing. ${usage}`);
}

function oneOf<T extends string>(name: string, value: string | undefined, known: readonly T[]): T {
  const found = known.find((one) => one === required(name, value));
  if (found === undefined) throw new Error(`--${name} must be one of ${known.join(", ")}, not ${value}`);
  return found;
}

function readUrl(text: string): string {
  if (!URL.canParse(text) || !text.startsWith("https://")) throw new Error(`--url must start with https://: ${text}`);
  return text;
}

/** A SQL literal. */
function quoted(value: string | null): string {
  return value === null ? "NULL" : `'${value.replaceAll("'", "''")}'`;
}
