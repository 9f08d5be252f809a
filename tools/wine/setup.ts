import { existsSync, mkdirSync, renameSync } from "node:fs";
import { join, resolve } from "node:path";
import { root } from "../process/environment.ts";
import { run } from "../process/run.ts";

/** Deno for Windows under Debian's wine64, without a display, and the doubles of Windows libraries built for it. */
export interface Wine {
  readonly command: string;
  /** Put before deno's arguments. */
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

const DENO_VERSION = "2.9.5";
const WINE = "/usr/lib/wine/wine64";
const COMPILER = "x86_64-w64-mingw32-gcc";
/** About 1.2 GB; made once. */
const folder = resolve(root, "node_modules/.cache/wine");
/** Where the tests find the doubles. */
export const doublesFolder = join(folder, "doubles");

export async function setUpWine(): Promise<Wine> {
  const deno = join(folder, "package/deno.exe");
  const prefix = join(folder, "prefix");
  const env = { WINEPREFIX: prefix, WINEDEBUG: "-all" };
  mkdirSync(doublesFolder, { recursive: true });
  if (!existsSync(deno)) await fetchDeno();
  await compile("bcryptprimitives.c", join(folder, "package/bcryptprimitives.dll"), ["-ladvapi32", "-lkernel32"]);
  await compile("wintun-double.c", join(doublesFolder, "wintun.dll"), ["-lkernel32", "-lmsvcrt"]);
  const definitions = join(import.meta.dirname, "iphlpapi-double.def");
  await demand(COMPILER, [
    ...["-O2", "-s", "-shared", "-Wall", "-Werror", "-D_WIN32_WINNT=0x0A00"],
    ...["-o", join(doublesFolder, "iphlpapi-double.dll"), join(import.meta.dirname, "iphlpapi-double.c"), definitions],
    "-lws2_32",
  ]);
  if (!existsSync(join(prefix, "drive_c"))) await demand(WINE, ["wineboot", "-i"], env);
  return { command: WINE, args: [deno], env };
}

/** From the package registry, next to its final place, so that a cut-off download is not taken for the whole. */
async function fetchDeno(): Promise<void> {
  const { output } = await demand("npm", [
    "pack",
    "--silent",
    "--pack-destination",
    folder,
    `@deno/win32-x64@${DENO_VERSION}`,
  ]);
  const archive = join(folder, output.trim().split("\n").at(-1)!);
  const fresh = join(folder, "fresh");
  mkdirSync(fresh, { recursive: true });
  await demand("tar", ["xzf", archive, "-C", fresh]);
  renameSync(join(fresh, "package"), join(folder, "package"));
}

async function compile(source: string, target: string, libraries: readonly string[]): Promise<void> {
  const flags = ["-O2", "-s", "-shared", "-nostartfiles", "-Wall", "-Werror", "-e", "DllMain"];
  await demand(COMPILER, [...flags, "-o", target, join(import.meta.dirname, source), ...libraries]);
}

async function demand(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const finished = await run(command, args, { env });
  if (finished.code !== 0) throw new Error(`${command} failed:\n${finished.output}`);
  return finished;
}
