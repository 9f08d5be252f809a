import * as v from "valibot";

/** Those that the control plane hears of. */
const toldSettingsSchema = v.object({
  hostname: v.optional(v.string()),
  tags: v.optional(v.array(v.string())),
  shields_up: v.optional(v.boolean()),
  ssh_enabled: v.optional(v.boolean()),
  accept_routes: v.optional(v.boolean()),
  advertise_exit_node: v.optional(v.boolean()),
  /** IPv4 prefixes it offers to carry; an empty list offers none. */
  advertise_routes: v.optional(v.array(v.string())),
});
export type ToldSetting = keyof typeof toldSettingsSchema.entries;
export const toldSettings = Object.keys(toldSettingsSchema.entries) as ToldSetting[];

/** What a person sets on this machine (`ztna set`), as `config.json` keeps it; absent means never set. */
export const localSettingsSchema = v.object({
  ...toldSettingsSchema.entries,
  /** The tailnet address of the machine to go out by, `auto` or `off`. */
  exit_node: v.optional(v.string()),
  exit_node_allow_lan_access: v.optional(v.boolean()),
  auto_update: v.optional(v.boolean()),
  /** Carry the approved routes for others, as a router. */
  gateway: v.optional(v.boolean()),
});
export type LocalSettings = v.InferOutput<typeof localSettingsSchema>;

/** What concerns this machine alone, as `ztna status` shows it. */
export interface LocalChoices {
  /** An address or `auto`; null when it goes out by itself. */
  readonly exit_node: string | null;
  readonly exit_node_allow_lan_access: boolean;
  readonly auto_update: boolean;
  readonly gateway: boolean;
}
