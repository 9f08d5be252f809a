import { accessSync, constants, existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { run } from "../process/run.ts";
import { debianPackages, type Needs } from "./parts.ts";

/** Makes the machine ready for a program of its own, or ends with what is missing. */
export async function prepare(name: string, needs: Needs): Promise<void> {
  await installMissing([needs]);
  const reason = await obstacle(needs);
  if (reason === undefined) return;
  console.error(`${name} ${reason}.`);
  process.exit(1);
}

/** Installs the missing Debian packages when it may. */
export async function installMissing(parts: readonly Needs[]): Promise<void> {
  const packages = [...new Set(missingPrograms(parts).map((program) => debianPackages[program]!))].sort();
  if (packages.length === 0 || !isRoot() || !hasProgram("apt-get")) return;
  console.log(`Installing ${packages.join(" ")}`);
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  await run("apt-get", ["update", "-qq"], { env });
  const { code, output } = await run("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...packages], {
    env,
  });
  if (code !== 0) console.log(output.trim());
}

/** Why this machine cannot run something, or undefined when it can. */
export async function obstacle(needs: Needs): Promise<string | undefined> {
  const missing = missingPrograms([needs]);
  if (missing.length > 0) {
    const packages = [...new Set(missing.map((program) => debianPackages[program]))].join(" ");
    return `needs ${missing.join(", ")} (Debian: apt-get install ${packages})`;
  }
  if (!needs.root) return undefined;
  if (!isRoot()) return "needs root, for network namespaces and TUN devices";
  if (!existsSync("/dev/net/tun")) return "needs /dev/net/tun";
  const { code } = await run("unshare", ["--net", "true"]);
  return code === 0 ? undefined : "needs the right to make network namespaces";
}

function missingPrograms(parts: readonly Needs[]): string[] {
  return [...new Set(parts.flatMap(({ programs }) => programs))].filter((program) => !hasProgram(program));
}

function hasProgram(name: string): boolean {
  if (name.startsWith("/")) return isExecutable(name);
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/sbin"];
  return folders.some((folder) => isExecutable(join(folder, name)));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}
