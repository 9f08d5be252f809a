import { stillApproved } from "#domain/machine/routes.ts";
import type { AdminSettings } from "#domain/org/settings.ts";
import type { MachineId, UserId } from "#protocol/ids.ts";
import { dropCommands } from "./store/agent-commands.ts";
import { type AuditRow, insertAudit } from "./store/audit.ts";
import { type AuthKeyRow, insertAuthKey, saveAuthKey } from "./store/auth-keys.ts";
import { release } from "./store/addresses.ts";
import { deleteMachine, insertMachine, type MachineRow, saveMachine } from "./store/machines.ts";
import { type ConfiguredOrg, saveCounters, saveSettings } from "./store/org.ts";

export interface MachineChange {
  /** Undefined for a new machine. */
  readonly before: MachineRow | undefined;
  readonly after: MachineRow;
}

export interface KeyChange {
  readonly event: "INSERT" | "UPDATE";
  readonly row: AuthKeyRow;
}

/**
 * The writes of one transaction, each with its own revision, and what listeners must hear of them once it is committed.
 */
export class Change {
  readonly sql: SqlStorage;
  readonly org: ConfiguredOrg;
  readonly now: number;
  readonly machines: MachineChange[] = [];
  readonly deleted: MachineRow[] = [];
  /** Their agents have something new to do. */
  readonly commanded: MachineId[] = [];
  readonly keys: KeyChange[] = [];
  readonly audits: AuditRow[] = [];
  /** The settings that were changed. */
  settings: Partial<AdminSettings> = {};
  readonly #firstRev: number;

  constructor(sql: SqlStorage, org: ConfiguredOrg, now: number) {
    this.sql = sql;
    this.org = org;
    this.now = now;
    this.#firstRev = org.rev;
  }

  /** True when what was decided shows in the map of every machine. */
  get changesAllMaps(): boolean {
    return this.settings.disable_offloads !== undefined || this.settings.allow_subnet_routing !== undefined ||
      this.settings.allow_exit_nodes !== undefined;
  }

  get isEmpty(): boolean {
    return this.org.rev === this.#firstRev;
  }

  insertMachine(row: Omit<MachineRow, "rev">): MachineRow {
    const after = { ...row, rev: ++this.org.rev };
    insertMachine(this.sql, after);
    this.org.machine_count += 1;
    this.machines.push({ before: undefined, after });
    return after;
  }

  /** Whoever writes it: what a machine no longer offers is no longer approved. */
  saveMachine(before: MachineRow, changed: Partial<Omit<MachineRow, "id" | "address" | "rev">>): MachineRow {
    const after = withoutLostApprovals({ ...before, ...changed, rev: ++this.org.rev });
    saveMachine(this.sql, after);
    this.machines.push({ before, after });
    return after;
  }

  /** Its address may be leased again; its node key is void. */
  deleteMachine(row: MachineRow): void {
    deleteMachine(this.sql, row, ++this.org.rev);
    release(this.sql, row.address);
    dropCommands(this.sql, row.id);
    this.org.machine_count -= 1;
    this.deleted.push(row);
  }

  insertKey(row: Omit<AuthKeyRow, "rev">): AuthKeyRow {
    const after = { ...row, rev: ++this.org.rev };
    insertAuthKey(this.sql, after);
    this.keys.push({ event: "INSERT", row: after });
    return after;
  }

  saveKey(before: AuthKeyRow, changed: Partial<Pick<AuthKeyRow, "used_count" | "revoked" | "expired">>): void {
    const after = { ...before, ...changed, rev: ++this.org.rev };
    saveAuthKey(this.sql, after);
    this.keys.push({ event: "UPDATE", row: after });
  }

  saveSettings(changed: Partial<AdminSettings>): void {
    this.org.rev += 1;
    const columns = Object.entries(changed).map(([name, value]) => [name, value === !!value ? Number(value) : value]);
    Object.assign(this.org, Object.fromEntries(columns));
    saveSettings(this.sql, this.org);
    this.settings = changed;
  }

  audit(
    action: string,
    resourceType: "machine" | "auth_key" | "org",
    resourceId: string,
    userId: UserId | null,
    details: Record<string, unknown>,
  ): void {
    const row: AuditRow = {
      rev: ++this.org.rev,
      id: crypto.randomUUID(),
      action,
      resource_type: resourceType,
      resource_id: resourceId,
      user_id: userId,
      details: JSON.stringify(details),
      created_at: this.now,
    };
    insertAudit(this.sql, row);
    this.audits.push(row);
  }

  /** Last statement of the transaction: the counters. */
  seal(): void {
    if (this.isEmpty) return;
    if (this.machines.length + this.deleted.length > 0 || this.changesAllMaps) this.org.seq = this.org.rev;
    if (this.changesAllMaps) this.org.map_floor = this.org.rev;
    saveCounters(this.sql, this.org);
  }
}

function withoutLostApprovals(row: MachineRow): MachineRow {
  if (row.approved_routes === "[]" && row.exit_node_approved === 0) return row;
  const [approved, advertised] = [row.approved_routes, row.advertised_routes].map((json) =>
    JSON.parse(json) as string[]
  );
  return {
    ...row,
    exit_node_approved: row.advertise_exit_node === 1 ? row.exit_node_approved : 0,
    approved_routes: JSON.stringify(stillApproved(approved!, advertised!)),
  };
}
