import { PRODUCT_VERSION } from "#protocol/version.ts";
import { BUILT_AT } from "../built-at.ts";
import { type AddVerb, JSON_FORM } from "../command.ts";
import { print, printJson } from "../output.ts";

const architectures: Readonly<Record<string, string>> = { x86_64: "amd64", aarch64: "arm64" };

export function versionText(): string {
  const built = BUILT_AT === undefined ? "from source" : BUILT_AT;
  return `ztna version ${PRODUCT_VERSION} (built ${built}, ${Deno.build.os}/${architecture()})`;
}

export const addVersion: AddVerb = (program) => {
  program.command("version")
    .description("print the version")
    .option("--json", JSON_FORM)
    .action(({ json }) => {
      if (json !== true) return print(versionText());
      printJson({ version: PRODUCT_VERSION, built_at: BUILT_AT ?? null, os: Deno.build.os, arch: architecture() });
    });
};

function architecture(): string {
  return architectures[Deno.build.arch] ?? Deno.build.arch;
}
