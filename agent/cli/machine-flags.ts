import type { MachineSettings } from "#protocol/api/machines.ts";

/** What the switches of `ztna up` for this machine's own settings leave behind; undefined for one that was not given. */
export interface MachineFlags {
  readonly advertiseTags?: string[] | undefined;
  readonly advertiseRoutes?: string[] | undefined;
  readonly advertiseExitNode?: boolean | undefined;
  readonly acceptRoutes?: boolean | undefined;
  readonly shieldsUp?: boolean | undefined;
  readonly ssh?: boolean | undefined;
}

/** What a machine is set to that nobody has set anything for. Its tags are its org's business. */
const DEFAULTS: MachineSettings = {
  shields_up: false,
  ssh_enabled: false,
  accept_routes: false,
  advertise_exit_node: false,
  advertise_routes: [],
};

/** The settings that were given; with `reset` all others go back to their defaults. */
export function settingsOf(flags: MachineFlags, reset: boolean): MachineSettings {
  const given: MachineSettings = {
    tags: flags.advertiseTags,
    shields_up: flags.shieldsUp,
    ssh_enabled: flags.ssh,
    accept_routes: flags.acceptRoutes,
    advertise_exit_node: flags.advertiseExitNode,
    advertise_routes: flags.advertiseRoutes,
  };
  const set = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  return reset ? { ...DEFAULTS, ...set } : set;
}
