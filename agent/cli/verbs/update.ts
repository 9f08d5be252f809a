import type { VersionCheck } from "#protocol/api/client-version.ts";
import { type AddVerb, examples, globalFlags, JSON_FORM } from "../command.ts";
import { Failure } from "../failure.ts";
import { plain, print, printJson } from "../output.ts";

export const addUpdate: AddVerb = (program, agent) => {
  program.command("update")
    .description("look whether there is a newer version")
    .option("--check", "only look; what there is today")
    .option("--json", JSON_FORM)
    .addHelpText("after", examples("ztna update --check", "ztna update --check --json | jq .update_available"))
    .action(async ({ check, json }, command) => {
      if (check !== true) throw new Failure(NOT_BUILT);
      const found = await agent.checkForUpdate(globalFlags(command)).catch((error) => {
        const why = error instanceof Error ? error.message.replace(/\.$/, "") : String(error);
        throw new Failure(`version check failed: ${plain(why)}. Run 'ztna update --check' again later`);
      });
      return json === true ? printJson(jsonOf(found)) : print(formatCheck(found));
    });
};

const NOT_BUILT = "updating in place is not built yet. Run 'ztna update --check' and install the download by hand";

function formatCheck(check: VersionCheck): string {
  const lines = [`Current version: ${check.current_version}`, `Latest version:  ${plain(check.latest_version)}`];
  if (!check.update_available) return [...lines, "You are up to date."].join("\n");
  lines.push("A new version is available!");
  if (check.release_notes !== undefined) {
    lines.push("Release notes:", ...check.release_notes.trim().split("\n").map((line) => `  ${plain(line)}`));
  }
  if (check.download_url !== undefined) lines.push(`Download: ${plain(check.download_url)}`);
  return lines.join("\n");
}

/** Every key is there, whatever the control plane left out. */
function jsonOf(check: VersionCheck) {
  const { current_version, latest_version, update_available, published_at } = check;
  return {
    current_version,
    latest_version,
    update_available,
    published_at,
    download_url: check.download_url ?? null,
    checksum_sha256: check.checksum_sha256 ?? null,
    release_notes: check.release_notes ?? null,
  };
}
