import * as v from "valibot";

/** What a person sets on this machine (`ztna set`), as `config.json` keeps it; absent means never set. */
export const localSettingsSchema = v.object({
  hostname: v.optional(v.string()),
  tags: v.optional(v.array(v.string())),
  shields_up: v.optional(v.boolean()),
  ssh_enabled: v.optional(v.boolean()),
  accept_routes: v.optional(v.boolean()),
  advertise_exit_node: v.optional(v.boolean()),
  /** IPv4 prefixes it offers to carry; an empty list offers none. */
  advertise_routes: v.optional(v.array(v.string())),
});
export type LocalSettings = v.InferOutput<typeof localSettingsSchema>;
export type LocalSetting = keyof LocalSettings;
export const localSettings = Object.keys(localSettingsSchema.entries) as LocalSetting[];
