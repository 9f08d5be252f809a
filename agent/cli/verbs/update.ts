import type { VersionCheck } from "#protocol/api/client-version.ts";
import type { Agent, GlobalFlags } from "../agent.ts";
import { type AddVerb, examples, globalFlags, JSON_FORM } from "../command.ts";
import { Failure } from "../failure.ts";
import { plain, print, printJson, printProgress } from "../output.ts";
import { Prompt } from "../prompt.ts";

export const addUpdate: AddVerb = (program, agent) => {
  program.command("update")
    .description("replace this program by a newer version")
    .option("--check", "only look whether there is one")
    .option("--yes", "do not ask")
    .option("--json", `${JSON_FORM}; only looks without --yes`)
    .addHelpText("after", EXAMPLES)
    .action(async ({ check, yes, json }, command) => {
      const flags = globalFlags(command);
      const found = await look(agent, flags);
      const applies = found.update_available && check !== true;
      if (json === true) {
        if (applies && yes === true) await agent.applyUpdate(flags, found, () => {}, () => {});
        return printJson({ ...jsonOf(found), updated: applies && yes === true });
      }
      print(formatCheck(found));
      if (!applies) return;
      if (yes !== true && !await confirm(found)) return print("Not updated.");
      await apply(agent, flags, found);
    });
};

const EXAMPLES = examples(
  "ztna update --check                                 only look",
  "ztna update --yes && ztna down && ztna up --daemon  update, and run the new one",
  "ztna update --check --json | jq .update_available",
);

async function look(agent: Agent, flags: GlobalFlags): Promise<VersionCheck> {
  return await agent.checkForUpdate(flags).catch((error) => {
    const why = error instanceof Error ? error.message.replace(/\.$/, "") : String(error);
    throw new Failure(`version check failed: ${plain(why)}. Run 'ztna update --check' again later`);
  });
}

async function confirm({ latest_version }: VersionCheck): Promise<boolean> {
  if (!Deno.stdin.isTerminal()) throw new Failure("nobody is there to ask. Use 'ztna update --yes'");
  const answer = await new Prompt().askLine(`Update to v${plain(latest_version)}? [y/N]: `);
  return /^y(es)?$/i.test(answer.trim());
}

async function apply(agent: Agent, flags: GlobalFlags, found: VersionCheck): Promise<void> {
  let bytes = 0;
  await agent.applyUpdate(flags, found, (received, total) => {
    if (bytes === 0) print("Downloading update...");
    bytes = received;
    if (total !== undefined && received < total) printProgress(progress(received, total));
  }, () => {
    printProgress("");
    print(progress(bytes, bytes));
    print("Applying update...");
  });
  print(`Updated to ${plain(found.latest_version)}. Please restart any running ztna processes.`);
}

function progress(received: number, total: number): string {
  return `  ${Math.floor(100 * received / total)}% (${received}/${total} bytes)`;
}

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
