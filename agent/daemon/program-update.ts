import type { VersionCheck } from "#protocol/api/client-version.ts";
import { type AgentConfig, requireApiUrl } from "./config.ts";
import { type Download, type OnProgress, replaceProgram } from "./replace-program.ts";

/** Puts the release of a check in the place of this program. */
export async function applyUpdate(
  config: AgentConfig,
  check: VersionCheck,
  onProgress: OnProgress,
  onDownloaded: () => void,
): Promise<void> {
  const download = downloadOf(check, requireApiUrl(config));
  await replaceProgram(ownProgram(), download, onProgress, onDownloaded);
}

/** Where to get it; throws for what must not be installed. */
export function downloadOf({ download_url, checksum_sha256 }: VersionCheck, apiUrl: string): Download {
  if (download_url === undefined) throw new Error("there is no download for this system. Ask your admin for one");
  if (checksum_sha256 === undefined || !/^[0-9a-f]{64}$/i.test(checksum_sha256)) {
    throw new Error("not updated: the release has no checksum, so nobody can tell whether a download is whole");
  }
  const url = URL.parse(download_url, `${apiUrl}/`);
  const isSafe = url?.protocol === "https:" || (url?.protocol === "http:" && url.origin === new URL(apiUrl).origin);
  if (url === null || !isSafe) throw new Error("not updated: the address of the download is not one of https");
  return { url: url.href, sha256: checksum_sha256 };
}

/** The file this program is, past links; run from its sources or by an installed deno it is none. */
function ownProgram(): string {
  if (Deno.build.standalone) return Deno.realPathSync(Deno.execPath());
  throw new Error("this ztna is not a single file, but runs by an installed deno. Update it the way it was installed");
}
