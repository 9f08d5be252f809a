import { machineName } from "#domain/machine/name.ts";
import { type SettingsRules, settleSettings } from "#domain/machine/settings.ts";
import type { MachineSettings, OwnSettings } from "#protocol/api/machines.ts";
import { ZtnaError } from "#protocol/errors.ts";
import type { Change } from "./change.ts";
import { type AuthKeyRow, findAuthKey, listOf } from "./store/auth-keys.ts";
import { findMachineByName, type MachineRow } from "./store/machines.ts";

export interface Settled {
  readonly row: MachineRow;
  /** One sentence for each wish that was not granted. */
  readonly refused: readonly string[];
}

/** Gives a machine what it wants of what it may decide for itself. One that stands apart gets nothing. */
export function settleOwn(change: Change, row: MachineRow, wanted: OwnSettings, addressPool: string): Settled {
  if (row.status === "quarantined" || row.admin_disabled === 1) {
    return { row, refused: [`this machine is ${row.admin_disabled === 1 ? "disabled" : "quarantined"}`] };
  }
  const { name, ...settings } = wanted;
  const { granted, refused } = settleSettings(settings, settingsRules(change, row, keyOf(change, row), addressPool));
  const naming = name === undefined ? { columns: {}, refused: [] } : settleName(change, row, name);
  const sentences = [...refused, ...naming.refused];
  const changed = changesOf(row, { ...columnsOf(granted), ...naming.columns });
  if (Object.keys(changed).length === 0) return { row, refused: sentences };
  const after = change.saveMachine(row, changed);
  change.audit("machine.settings_changed", "machine", row.id, null, { ...changed, name: after.name });
  return { row: after, refused: sentences };
}

/** The columns of a row that hold these settings. */
export function columnsOf(settings: MachineSettings): Partial<MachineRow> {
  const columns = {
    tags: settings.tags && JSON.stringify(settings.tags),
    shields_up: numberOf(settings.shields_up),
    ssh_enabled: numberOf(settings.ssh_enabled),
    accept_routes: numberOf(settings.accept_routes),
    advertise_exit_node: numberOf(settings.advertise_exit_node),
    advertised_routes: settings.advertise_routes && JSON.stringify(settings.advertise_routes),
  };
  return Object.fromEntries(Object.entries(columns).filter(([, value]) => value !== undefined));
}

/** What bounds the settings of a machine that came by this key, or by a person's own hand. */
export function settingsRules(
  { org }: Change,
  row: MachineRow | undefined,
  key: AuthKeyRow | undefined,
  addressPool: string,
): SettingsRules {
  return {
    allowExitNodes: org.allow_exit_nodes === 1,
    allowSubnetRouting: org.allow_subnet_routing === 1,
    currentTags: row === undefined ? [] : JSON.parse(row.tags) as string[],
    allowedTags: key === undefined ? null : listOf(key.allowed_tags),
    addressPool,
  };
}

function keyOf({ sql }: Change, { auth_key_id }: MachineRow): AuthKeyRow | undefined {
  return auth_key_id === null ? undefined : findAuthKey(sql, auth_key_id);
}

function changesOf(row: MachineRow, wanted: Partial<MachineRow>): Partial<MachineRow> {
  return Object.fromEntries(
    Object.entries(wanted).filter(([column, value]) => row[column as keyof MachineRow] !== value),
  );
}

function settleName(
  { sql }: Change,
  row: MachineRow,
  wanted: string,
): { columns: Partial<MachineRow>; refused: readonly string[] } {
  try {
    const name = machineName(wanted);
    const holder = findMachineByName(sql, name);
    if (holder !== undefined && holder.id !== row.id) return refusal(`a machine named ${name} exists already`);
    return { columns: { name }, refused: [] };
  } catch (error) {
    if (error instanceof ZtnaError) return refusal(error.message);
    throw error;
  }
}

function refusal(why: string) {
  return { columns: {}, refused: [why] };
}

function numberOf(flag: boolean | undefined): number | undefined {
  return flag === undefined ? undefined : Number(flag);
}
