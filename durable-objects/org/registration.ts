import { showIpv4 } from "#domain/addressing/ipv4.ts";
import { mayTakeOver, quotaExceeded, refuseRedemption } from "#domain/auth-key/redeem.ts";
import { machineName } from "#domain/machine/name.ts";
import { grantTags } from "#domain/machine/tags.ts";
import { ZtnaError } from "#protocol/errors.ts";
import type { MachineId, OrgId } from "#protocol/ids.ts";
import type { Limits, Timings } from "#protocol/limits.ts";
import type { Change } from "./change.ts";
import { lease } from "./store/addresses.ts";
import { type AuthKeyRow, findAuthKeyByHash, listOf } from "./store/auth-keys.ts";
import { findMachineByMachineKey, findMachineByName, type MachineRow } from "./store/machines.ts";
import { countRequest } from "./store/rate-limits.ts";

/** A registration as the Worker hands it on: secrets as hashes, the machine key's signature verified. */
export interface RegistrationInput {
  readonly authKeyHash: string;
  readonly nodeKeyHash: string;
  readonly name: string;
  readonly clientIp: string;
  readonly os: string | undefined;
  readonly version: string | undefined;
  readonly tags: readonly string[];
  readonly wireguardPublicKey: string;
  readonly machineKey: string | undefined;
}

export interface Registration {
  readonly machineId: MachineId;
  readonly orgId: OrgId;
  readonly name: string;
  readonly tailnetIp: string;
  readonly status: MachineRow["status"];
  readonly reactivated: boolean;
}

export interface RegistrationRules {
  readonly limits: Limits;
  readonly timings: Timings;
  /** True while the machine's control stream is open. */
  readonly isConnected: (machineId: MachineId) => boolean;
}

/**
 * Counts a registration against the rate limits. Apart from `register`, so that a refused one still counts. Only keys that
 * exist get a window of their own: made-up ones must not fill the table.
 */
export function countRegistration(
  sql: SqlStorage,
  input: RegistrationInput,
  { limits, timings }: RegistrationRules,
  now: number,
): void {
  const byIp = { most: limits.register_per_ip, windowMs: timings.register_per_ip_window_s * 1000 };
  countRequest(sql, `ip ${input.clientIp}`, byIp, now);
  if (limits.register_per_key === 0) return;
  const key = findAuthKeyByHash(sql, input.authKeyHash);
  const byKey = { most: limits.register_per_key, windowMs: timings.register_per_key_window_s * 1000 };
  if (key !== undefined) countRequest(sql, `key ${key.id}`, byKey, now);
}

/**
 * One whole registration: check the key, claim a use, find or create the machine, lease its address, write the audit row.
 * A refusal throws, and with it the transaction leaves nothing behind.
 */
export function register(change: Change, input: RegistrationInput, rules: RegistrationRules): Registration {
  const { sql, org } = change;
  const known = input.machineKey === undefined ? undefined : findMachineByMachineKey(sql, input.machineKey);
  const key = redeem(change, input, known !== undefined);
  const name = machineName(input.name);
  const held = findMachineByName(sql, name);
  const machine = known ?? takeOver(held, input, org.reregistration, rules);
  const identity = {
    name: known !== undefined && held !== undefined && held.id !== known.id ? known.name : name,
    os: input.os ?? machine?.os ?? null,
    version: input.version ?? machine?.version ?? null,
    public_key: input.wireguardPublicKey,
    machine_key: input.machineKey ?? null,
    node_key_hash: input.nodeKeyHash,
    tags: JSON.stringify(grantTags(input.tags, listOf(key.allowed_tags))),
    auth_key_id: key.id,
    ephemeral: key.ephemeral,
    last_seen: change.now,
    key_created_at: change.now,
  };
  const row = machine === undefined
    ? create(change, identity, rules.limits)
    : change.saveMachine(machine, { ...identity, status: statusAfterReturn(machine) });
  if (known === undefined) change.saveKey(key, { used_count: key.used_count + 1 });
  const details = { name: row.name, os: row.os, auth_key_id: key.id, reactivated: machine !== undefined };
  change.audit("machine.registered", "machine", row.id, null, { ...details, tailnet_ip: showIpv4(row.address) });
  return {
    machineId: row.id,
    orgId: org.id,
    name: row.name,
    tailnetIp: showIpv4(row.address),
    status: row.status,
    reactivated: machine !== undefined,
  };
}

function redeem({ sql, now }: Change, input: RegistrationInput, sameMachine: boolean): AuthKeyRow {
  const row = findAuthKeyByHash(sql, input.authKeyHash);
  const key = row && {
    reusable: row.reusable === 1,
    revoked: row.revoked === 1,
    usedCount: row.used_count,
    expiresAt: row.expires_at,
    allowedCidrs: listOf(row.allowed_cidrs),
  };
  const refused = refuseRedemption({ key, sameMachine, clientIp: input.clientIp, now });
  if (refused !== undefined || row === undefined) throw new ZtnaError(refused ?? "INVALID_KEY");
  return row;
}

/** The machine that had this name before, when the caller may become it. */
function takeOver(
  holder: MachineRow | undefined,
  input: RegistrationInput,
  reregistration: "name" | "machine_key",
  { isConnected }: RegistrationRules,
): MachineRow | undefined {
  if (holder === undefined) return undefined;
  const facts = { machineKey: holder.machine_key, connected: isConnected(holder.id) };
  if (mayTakeOver(facts, input.machineKey, reregistration)) return holder;
  if (facts.connected) throw new ZtnaError("REGISTRATION_CONFLICT");
  const message = "This name belongs to another machine. Choose another name or ask an admin to free it.";
  throw new ZtnaError("REGISTRATION_CONFLICT", message);
}

type Identity = Pick<
  MachineRow,
  | "name"
  | "os"
  | "version"
  | "public_key"
  | "machine_key"
  | "node_key_hash"
  | "tags"
  | "auth_key_id"
  | "ephemeral"
  | "last_seen"
  | "key_created_at"
>;

function create(change: Change, identity: Identity, limits: Limits): MachineRow {
  const { sql, org, now } = change;
  const quota = org.machine_quota ?? limits.machine_quota;
  if (org.machine_count >= quota) throw quotaExceeded(quota);
  return change.insertMachine({
    ...identity,
    address: lease(sql, org, org.address_pool ?? limits.address_pool),
    id: crypto.randomUUID() as MachineId,
    status: "online",
    owner_id: null,
    endpoints: "[]",
    relay_region: null,
    admin_disabled: 0,
    created_at: now,
    os_version_detail: null,
    public_endpoint: null,
    client_connectivity: null,
    derp_latencies: null,
    key_expiry_disabled: 0,
    shields_up: 0,
    ssh_enabled: 0,
    accept_routes: 0,
    advertise_exit_node: 0,
    exit_node_approved: 0,
    advertised_routes: "[]",
    approved_routes: "[]",
    approved_by: null,
    approved_at: null,
  });
}

/** Registering again brings a machine back online, but never out of quarantine, approval or an admin's ban. */
function statusAfterReturn(machine: MachineRow): MachineRow["status"] {
  return machine.admin_disabled === 1 || machine.status === "quarantined" || machine.status === "pending"
    ? machine.status
    : "online";
}
