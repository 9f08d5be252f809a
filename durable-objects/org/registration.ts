import { showIpv4 } from "#domain/addressing/ipv4.ts";
import { mayTakeOver, quotaExceeded, refuseRedemption } from "#domain/auth-key/redeem.ts";
import { machineName } from "#domain/machine/name.ts";
import { grantTags } from "#domain/machine/tags.ts";
import type { Limits, Timings } from "#protocol/limits.ts";
import { ZtnaError } from "#protocol/errors.ts";
import type { MachineId, OrgId } from "#protocol/ids.ts";
import { takeAddress } from "./store/addresses.ts";
import { insertAudit } from "./store/audit-logs.ts";
import { type AuthKeyRow, countUse, findAuthKeyByHash, readList } from "./store/auth-keys.ts";
import { findMachineBy, insertMachine, type MachineRow, reactivateMachine } from "./store/machines.ts";
import { readMeta, readNumber } from "./store/meta.ts";
import { countHit } from "./store/rate-windows.ts";

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
  readonly now: number;
  /** True while the machine's control stream is open. */
  readonly isConnected: (machineId: string) => boolean;
}

/** Counts a registration against the rate limits. Apart from `register`, so that a refused one still counts. */
export function countRegistration(sql: SqlStorage, input: RegistrationInput, rules: RegistrationRules): void {
  const { limits, timings, now } = rules;
  const byIp = { limit: limits.register_per_ip, windowS: timings.register_per_ip_window_s };
  const byKey = { limit: limits.register_per_key, windowS: timings.register_per_key_window_s };
  countHit(sql, { scope: "register_ip", subject: input.clientIp, ...byIp }, now);
  countHit(sql, { scope: "register_key", subject: input.authKeyHash, ...byKey }, now);
}

/**
 * One whole registration: check the key, claim a use, find or create the machine, lease its address, write the audit row.
 * The caller runs it inside one `transactionSync`, so that a refusal leaves nothing behind.
 */
export function register(sql: SqlStorage, input: RegistrationInput, rules: RegistrationRules): Registration {
  const known = input.machineKey === undefined ? undefined : findMachineBy(sql, "machine_key", input.machineKey);
  const key = redeem(sql, input, known !== undefined, rules.now);
  const name = machineName(input.name);
  const machine = known ?? findByName(sql, name, input, rules);
  const identity = {
    name: known === undefined ? name : keepOrRename(sql, known, name),
    os: input.os ?? machine?.os ?? null,
    public_key: input.wireguardPublicKey,
    machine_key: input.machineKey ?? null,
    node_key_hash: input.nodeKeyHash,
    tags: JSON.stringify(grantTags(input.tags, readList(key.allowed_tags))),
    version: input.version ?? machine?.version ?? null,
  };
  if (known === undefined) countUse(sql, key.id);
  let id = machine?.id;
  if (id === undefined) {
    id = crypto.randomUUID();
    refuseOverQuota(sql, rules.limits);
    const address = takeAddress(sql, String(readMeta(sql, "address_pool") ?? rules.limits.address_pool));
    const origin = { auth_key_id: key.id, ephemeral: key.ephemeral, created_at: rules.now };
    insertMachine(sql, { id, address, ...identity, ...origin });
  } else {
    reactivateMachine(sql, id, { ...identity, auth_key_id: key.id, last_seen: rules.now });
  }
  const reactivated = machine !== undefined;
  const details = { name: identity.name, os: identity.os, auth_key_id: key.id, reactivated };
  insertAudit(
    sql,
    { action: "machine.registered", resourceType: "machine", resourceId: id, userId: null, details },
    rules.now,
  );
  const row = findMachineBy(sql, "id", id)!;
  return {
    machineId: row.id as MachineId,
    orgId: readMeta(sql, "org_id") as OrgId,
    name: row.name,
    tailnetIp: showIpv4(row.address),
    status: row.status,
    reactivated,
  };
}

function redeem(sql: SqlStorage, input: RegistrationInput, sameMachine: boolean, now: number): AuthKeyRow {
  const row = findAuthKeyByHash(sql, input.authKeyHash);
  const key = row && {
    reusable: row.reusable === 1,
    revoked: row.revoked === 1,
    usedCount: row.used_count,
    expiresAt: row.expires_at,
    allowedCidrs: readList(row.allowed_cidrs),
  };
  const refused = refuseRedemption({ key, sameMachine, clientIp: input.clientIp, now });
  if (refused !== undefined || row === undefined) throw new ZtnaError(refused ?? "INVALID_KEY");
  return row;
}

function findByName(sql: SqlStorage, name: string, input: RegistrationInput, rules: RegistrationRules) {
  const holder = findMachineBy(sql, "name", name);
  if (holder === undefined) return undefined;
  const reregistration = readMeta(sql, "reregistration") === "machine_key" ? "machine_key" : "name";
  const connected = rules.isConnected(holder.id);
  if (mayTakeOver({ machineKey: holder.machine_key, connected }, input.machineKey, reregistration)) return holder;
  throw new ZtnaError("REGISTRATION_CONFLICT");
}

/** A known machine follows its host's name, unless another machine has that name. */
function keepOrRename(sql: SqlStorage, known: MachineRow, name: string): string {
  const holder = findMachineBy(sql, "name", name);
  return holder === undefined || holder.id === known.id ? name : known.name;
}

function refuseOverQuota(sql: SqlStorage, limits: Limits): void {
  const quota = Number(readMeta(sql, "machine_quota") ?? limits.machine_quota);
  if (readNumber(sql, "machine_count") >= quota) throw quotaExceeded(quota);
}
