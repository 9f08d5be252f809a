import { mayTakeOver, quotaExceeded } from "#domain/auth-key/redeem.ts";
import { machineName } from "#domain/machine/name.ts";
import type { MachineStatus } from "#protocol/api/machines.ts";
import type { Posture } from "#protocol/api/posture.ts";
import { ZtnaError } from "#protocol/errors.ts";
import type { MachineId } from "#protocol/ids.ts";
import type { Limits, Timings } from "#protocol/limits.ts";
import type { Change } from "./change.ts";
import { lease } from "./store/addresses.ts";
import { findMachineByMachineKey, findMachineByName, type MachineRow, statusOn } from "./store/machines.ts";

/** What every registration says of the machine: secrets as hashes, the machine key's signature verified. */
export interface Enrolment {
  readonly nodeKeyHash: string;
  readonly name: string;
  readonly clientIp: string;
  readonly os: string | undefined;
  readonly version: string | undefined;
  readonly wireguardPublicKey: string;
  readonly machineKey: string | undefined;
  readonly posture: Posture | undefined;
}

export interface EnrolmentRules {
  readonly limits: Limits;
  readonly timings: Timings;
  /** True while the machine's control stream is open. */
  readonly isConnected: (machineId: MachineId) => boolean;
}

/** What the credential of a registration decides about the machine. */
export interface Grant {
  readonly columns: Pick<MachineRow, "auth_key_id" | "ephemeral"> & Partial<MachineRow>;
  readonly firstStatus: MachineStatus;
  /** Whether a machine that had this name, under another machine key, may become the caller's. */
  readonly mayBecome: (holder: MachineRow) => boolean;
  /** What of such a machine's row the caller does not get as it is. */
  readonly bounds?: (holder: MachineRow) => Partial<MachineRow>;
}

export interface Enrolled {
  readonly row: MachineRow;
  readonly reactivated: boolean;
  /** Undefined when no posture was sent. */
  readonly postureCompliant: boolean | undefined;
}

/** The machine of this installation, if it was here before. */
export function findInstallation(sql: SqlStorage, { machineKey }: Enrolment): MachineRow | undefined {
  return machineKey === undefined ? undefined : findMachineByMachineKey(sql, machineKey);
}

/** Finds the machine that the caller is or may become, or creates it. `known` is the one of its machine key. */
export function enrolMachine(
  change: Change,
  input: Enrolment,
  known: MachineRow | undefined,
  grant: Grant,
  rules: EnrolmentRules,
): Enrolled {
  const name = machineName(input.name);
  const held = findMachineByName(change.sql, name);
  const machine = known ?? takeOver(held, change, input, grant, rules);
  const identity = {
    ...grant.columns,
    name: known !== undefined && held !== undefined && held.id !== known.id ? known.name : name,
    os: input.os ?? machine?.os ?? null,
    version: input.version ?? machine?.version ?? null,
    posture: input.posture === undefined ? machine?.posture ?? null : JSON.stringify(input.posture),
    public_key: input.wireguardPublicKey,
    machine_key: input.machineKey ?? null,
    node_key_hash: input.nodeKeyHash,
    previous_node_key_hash: known?.node_key_hash ?? null,
    last_seen: change.now,
    key_created_at: change.now,
    key_expired: 0,
  };
  const row = machine === undefined
    ? create(change, { ...identity, status: grant.firstStatus }, rules.limits)
    // That brings it back online, but never out of quarantine, approval or an admin's ban.
    : change.saveMachine(machine, {
      ...(known === undefined && grant.bounds?.(machine)),
      ...identity,
      status: statusOn(machine, "came_online"),
    });
  // No org has a posture policy yet, and without one every posture complies.
  const postureCompliant = input.posture === undefined ? undefined : true;
  return { row, reactivated: machine !== undefined, postureCompliant };
}

/** The machine that had this name before, when the caller may become it. */
function takeOver(
  holder: MachineRow | undefined,
  { org }: Change,
  { machineKey }: Enrolment,
  grant: Grant,
  { isConnected }: EnrolmentRules,
): MachineRow | undefined {
  if (holder === undefined) return undefined;
  const facts = {
    machineKey: holder.machine_key,
    connected: isConnected(holder.id),
    passing: isPassing(holder, grant),
  };
  const mayBecome = grant.mayBecome(holder);
  if (mayBecome && mayTakeOver(facts, machineKey, org.reregistration)) return holder;
  if (mayBecome && facts.connected) throw new ZtnaError("REGISTRATION_CONFLICT");
  const message = "This name belongs to another machine. Choose another name or ask an admin to free it.";
  throw new ZtnaError("REGISTRATION_CONFLICT", message);
}

/** An ephemeral machine that comes back by the key it came with: a container that was started anew. */
function isPassing(holder: MachineRow, { columns }: Grant): boolean {
  return holder.ephemeral === 1 && columns.ephemeral === 1 && holder.auth_key_id === columns.auth_key_id;
}

type Fresh =
  & Grant["columns"]
  & Pick<
    MachineRow,
    | "name"
    | "os"
    | "version"
    | "public_key"
    | "posture"
    | "machine_key"
    | "node_key_hash"
    | "previous_node_key_hash"
    | "status"
    | "last_seen"
    | "key_created_at"
    | "key_expired"
  >;

function create(change: Change, fresh: Fresh, limits: Limits): MachineRow {
  const { sql, org, now } = change;
  const quota = org.machine_quota ?? limits.machine_quota;
  if (org.machine_count >= quota) throw quotaExceeded(quota);
  return change.insertMachine({
    address: lease(sql, org, org.address_pool ?? limits.address_pool),
    id: crypto.randomUUID() as MachineId,
    owner_id: null,
    tags: "[]",
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
    ...fresh,
  });
}
