import { call } from "#protocol/api/call.ts";
import {
  checkClientVersion,
  type ReleaseArchitecture,
  type ReleasePlatform,
  type VersionCheck,
} from "#protocol/api/client-version.ts";
import { PRODUCT_VERSION } from "#protocol/version.ts";
import { type AgentConfig, requireApiUrl } from "./config.ts";

const ANSWER_MS = 20_000;
const platforms: Readonly<Record<string, ReleasePlatform>> = { linux: "linux", windows: "windows", darwin: "macos" };
const architectures: Readonly<Record<string, ReleaseArchitecture>> = { x86_64: "amd64", aarch64: "arm64" };

/** Asks the control plane whether there is a newer agent for this system. */
export async function checkForUpdate(config: AgentConfig): Promise<VersionCheck> {
  const apiUrl = requireApiUrl(config);
  const platform = platforms[Deno.build.os];
  const arch = architectures[Deno.build.arch];
  if (platform === undefined || arch === undefined) throw new Error("there are no releases for this system");
  const input = { current_version: PRODUCT_VERSION, platform, arch };
  return await call(fetch, apiUrl, checkClientVersion, input, { signal: AbortSignal.timeout(ANSWER_MS) });
}
