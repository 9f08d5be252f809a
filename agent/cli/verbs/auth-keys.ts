import type { AuthKey } from "#protocol/api/auth-keys.ts";
import { type AddVerb, examples, globalFlags, JSON_FORM } from "../command.ts";
import { plain, print, printJson, row } from "../output.ts";

export const addAuthKeys: AddVerb = (program, agent) => {
  const keys = program.command("auth-keys").description("the auth keys of your organization");
  keys.command("list")
    .description("list them; for admins, and never with the keys themselves")
    .option("--json", JSON_FORM)
    .addHelpText("after", EXAMPLES)
    .action(async ({ json }, command) => {
      const found = await agent.authKeys(globalFlags(command));
      return json === true ? printJson(found.map(jsonOf)) : print(formatAuthKeys(found));
    });
};

const EXAMPLES = examples(
  "ztna auth-keys list",
  "ztna auth-keys list --json | jq '.[] | select(.revoked | not) | .name'",
);
const WIDTHS = [24, 21, 10, 11, 6];
const DAY = 10;

export function formatAuthKeys(keys: readonly AuthKey[]): string {
  if (keys.length === 0) return "No auth keys found.";
  return [
    row(WIDTHS, ["KEY PREFIX", "NAME", "REUSABLE", "EPHEMERAL", "USES", "EXPIRES"]),
    ...keys.map((key) =>
      row(WIDTHS, [
        key.key_prefix,
        plain(key.name),
        yesNo(key.reusable),
        yesNo(key.ephemeral),
        String(key.used_count),
        key.revoked && !key.expired ? "revoked" : key.expires_at.slice(0, DAY),
      ])
    ),
  ].join("\n");
}

function jsonOf({ id, name, key_prefix, reusable, ephemeral, used_count, expires_at, revoked, created_at }: AuthKey) {
  return { id, name, key_prefix, reusable, ephemeral, used_count, expires_at, revoked, created_at };
}

function yesNo(value: boolean): string {
  return value ? "yes" : "no";
}
