import { buildNetMap, type MapRules } from "#domain/netmap/build.ts";
import type { NetMap } from "#protocol/netmap.ts";
import { type Config, relayRegions } from "../../worker/config.ts";
import { listMachines, machineOf, type MachineRow } from "./store/machines.ts";
import type { OrgRow } from "./store/org.ts";

export function mapRulesOf(org: OrgRow, { limits }: Pick<Config, "limits">): MapRules {
  return {
    addressPool: org.address_pool ?? limits.address_pool,
    subnetRouting: org.allow_subnet_routing === 1,
    disableOffloads: org.disable_offloads === 1,
  };
}

/** The whole map of one machine; `host` is the name by which its agent reaches this deploy. */
export function netMapOf(
  sql: SqlStorage,
  org: OrgRow,
  config: Config,
  host: string,
  row: MachineRow,
  machines: readonly MachineRow[] = listMachines(sql),
): NetMap {
  const { id, name, slug, seq } = org;
  const { heartbeat_s, direct_attempt_s, direct_retry_s } = config.timings;
  return buildNetMap({
    seq,
    org: { id, name, slug },
    self: machineOf(row, id),
    machines: machines.map((machine) => machineOf(machine, id)),
    rules: mapRulesOf(org, config),
    relays: relayRegions(config, host),
    timings: { heartbeat_s, direct_attempt_s, direct_retry_s },
  });
}
