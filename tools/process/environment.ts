import { delimiter, resolve } from "node:path";

/** The root of the repository. */
export const root = resolve(import.meta.dirname, "../..");

/** The path of a program that npm installed. */
export function bin(name: string): string {
  return resolve(root, "node_modules/.bin", name);
}

/** The environment of every program the tools start: our own programs first, nothing phones home. */
export function toolEnvironment(extra: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  return {
    ...process.env,
    PATH: `${resolve(root, "node_modules/.bin")}${delimiter}${process.env["PATH"] ?? ""}`,
    DENO_NO_UPDATE_CHECK: "1",
    WRANGLER_SEND_METRICS: "false",
    WRANGLER_HIDE_BANNER: "true",
    CLOUDFLARE_CF_FETCH_ENABLED: "false",
    ...extra,
  };
}
