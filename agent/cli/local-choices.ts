import type { LocalSettings } from "#protocol/local/settings.ts";

/** What the switches for this machine alone leave behind; undefined for one that was not given. */
export interface ChoiceFlags {
  readonly exitNode?: string | undefined;
  readonly exitNodeAllowLanAccess?: boolean | undefined;
  readonly autoUpdate?: boolean | undefined;
  readonly gateway?: boolean | undefined;
}

export type Choices = Pick<LocalSettings, "exit_node" | "exit_node_allow_lan_access" | "auto_update" | "gateway">;

export const NO_EXIT_ROUTE = "this version does not route through exit nodes yet";
export const NO_AUTO_UPDATE = "this version does not update by itself yet";

/** The choices that were given. */
export function choicesOf({ exitNode, exitNodeAllowLanAccess, autoUpdate, gateway }: ChoiceFlags): Choices {
  return {
    ...(exitNode === undefined ? {} : { exit_node: exitNode }),
    ...(exitNodeAllowLanAccess === undefined ? {} : { exit_node_allow_lan_access: exitNodeAllowLanAccess }),
    ...(autoUpdate === undefined ? {} : { auto_update: autoUpdate }),
    ...(gateway === undefined ? {} : { gateway }),
  };
}

/** One line for each change, and one for what has no effect. */
export function choiceLines(choices: Choices): string[] {
  const { exit_node, exit_node_allow_lan_access: lan, auto_update, gateway } = choices;
  return [
    exit_node === undefined ? [] : exit_node === "off" ? "Exit node off." : `Exit node set to: ${exit_node}`,
    lan === undefined ? [] : `Access to the local network beside an exit node: ${lan ? "allowed" : "not allowed"}.`,
    lan === true || (exit_node ?? "off") !== "off" ? `Kept for later: ${NO_EXIT_ROUTE}.` : [],
    gateway === undefined ? [] : `Gateway ${gateway ? "on: approved routes are carried" : "off"}.`,
    auto_update === undefined ? [] : `Automatic updates ${auto_update ? "on" : "off"}.`,
    auto_update === true ? `Kept for later: ${NO_AUTO_UPDATE}. Run 'ztna update'.` : [],
  ].flat();
}
