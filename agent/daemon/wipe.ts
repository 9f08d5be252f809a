import { LOG_BACKUPS } from "./log.ts";
import type { AgentPaths } from "./paths.ts";
import { removeFile } from "./private-file.ts";

/** What `replaceFile` leaves behind in a crash. */
const HALF_WRITTEN = /^(config|state|tokens|machine-token|netmap)\.json\.\d+\.tmp$/;

/**
 * Removes keys, tokens, the map and the settings of the profile in use, and nothing else that may lie in its directory: other
 * profiles are other organizations' business. Answers what could not be removed.
 */
export function wipeSecrets({ state, tokens, machineToken, netMap, config, directory }: AgentPaths): string[] {
  // The keys first, should the rest be cut short.
  return remove([state, `${state}.enc`, machineToken, tokens, ...halfWritten(directory), netMap, config]);
}

/** The rest, when nothing is written any more. */
export function wipeTraces({ socket, log }: AgentPaths): string[] {
  const backups = Array.from({ length: LOG_BACKUPS }, (_, age) => `${log}.${age + 1}`);
  return remove([socket, log, ...backups]);
}

function remove(files: readonly string[]): string[] {
  return files.filter((path) => {
    try {
      removeFile(path);
      return false;
    } catch {
      return true;
    }
  });
}

function halfWritten(directory: string): string[] {
  try {
    return [...Deno.readDirSync(directory)].map(({ name }) => name).filter((name) => HALF_WRITTEN.test(name))
      .map((name) => `${directory}/${name}`);
  } catch {
    return [];
  }
}
