import type { Filter } from "#domain/tables/filters.ts";
import type { AdminSettings } from "#domain/org/settings.ts";
import type { MachineClaims } from "#domain/secrets/machine-token.ts";
import type { AuditLog } from "#protocol/api/audit-logs.ts";
import type { AuthKey } from "#protocol/api/auth-keys.ts";
import type { Machine } from "#protocol/api/machines.ts";
import type { OrgSettings } from "#protocol/api/orgs.ts";
import type { Reply } from "#protocol/errors.ts";
import type { AuthKeyId, MachineId, OrgId, UserId } from "#protocol/ids.ts";
import type { RealtimeChannel, RealtimeEvent } from "#protocol/realtime.ts";
import { answer } from "../reply.ts";
import { type Actor, requireCaller } from "./actor.ts";
import type { Change } from "./change.ts";
import type { Sweep } from "./clock.ts";
import { closeOrg } from "./closing.ts";
import type { EnrolmentRules } from "./enrolment.ts";
import { answerHeartbeat, type Heartbeat, type HeartbeatInput } from "./heartbeat.ts";
import { OrgHost } from "./host.ts";
import { addAuthKey, type AuthKeyInput, countMachinesOfKey, revokeKey } from "./key-changes.ts";
import { administer, deleteMachine, type MachineCommand, quarantineMachinesOf } from "./machine-admin.ts";
import { countRegistration, register, type Registration, type RegistrationInput } from "./registration.ts";
import { rowEvent } from "./row-events.ts";
import { updateSettings } from "./settings.ts";
import { countSetup, type Setup, setUp, type SetupInput } from "./setup.ts";
import { auditOf, listAudits } from "./store/audit.ts";
import { authKeyOf, listAuthKeys } from "./store/auth-keys.ts";
import { findMachine, listMachines, machineOf } from "./store/machines.ts";
import { saveName, settingsOf } from "./store/org.ts";
import { changeMachinesWhere, deleteMachinesWhere, revokeKeysWhere } from "./table-changes.ts";

const MOST_PENDING_AUDITS = 10_000;

/**
 * One org: the single writer and the truth for its machines, auth keys, quota and addresses. Here is what can be asked of it:
 * `#ask` answers, `#change` writes.
 */
export class OrgObject extends OrgHost {
  initialize(org: { id: OrgId; name: string; slug: string }): Reply<null> {
    return answer(() => (this.ledger.initialize(org), null));
  }

  /** The name that the directory gives the org from now on. */
  rename(name: string): Reply<null> {
    return this.#ask(() => {
      this.ledger.org();
      saveName(this.ledger.sql, name);
      return null;
    });
  }

  /** Takes the org out of the world when its last member has gone. */
  close(): Reply<null> {
    return this.#change((change) => (closeOrg(change), null));
  }

  async register(input: RegistrationInput): Promise<Reply<Registration>> {
    await this.ledger.nextCommit();
    return this.#ask(() => {
      const org = this.ledger.org("INVALID_KEY");
      countRegistration(this.ledger.sql, input, this.#enrolmentRules, Date.now());
      return this.ledger.write((change) => register(change, input, this.#enrolmentRules), org);
    });
  }

  async setUpMachine(input: SetupInput): Promise<Reply<Setup>> {
    await this.ledger.nextCommit();
    return this.#ask(() => {
      const org = this.ledger.org();
      countSetup(this.ledger.sql, input, this.#enrolmentRules, Date.now());
      return this.ledger.write((change) => setUp(change, input, this.#enrolmentRules), org);
    });
  }

  heartbeat(input: HeartbeatInput): Reply<Heartbeat> {
    return this.#ask(() => answerHeartbeat(this.ledger, this.config, input));
  }

  createAuthKey(input: AuthKeyInput): Reply<AuthKey> {
    return this.#change((change) => addAuthKey(change, input));
  }

  revokeAuthKey(id: AuthKeyId, by: UserId): Reply<{ machinesQuarantined: number }> {
    return this.#change((change) => revokeKey(change, id, by));
  }

  countMachinesOfKey(id: AuthKeyId): Reply<number> {
    return this.#ask(() => (this.ledger.org(), countMachinesOfKey(this.ledger.sql, id)));
  }

  /** Refuses a machine whose token is worth nothing any more. */
  admitMachine(claims: MachineClaims): Reply<null> {
    return this.#ask(() => {
      requireCaller(this.ledger.sql, this.ledger.org("UNAUTHORIZED"), claims, Date.now());
      return null;
    });
  }

  administerMachine(id: MachineId, command: MachineCommand, actor: Actor): Reply<Machine> {
    return this.#change((change) =>
      machineOf(administer(change, id, command, actor, this.config.limits.address_pool), change.org.id)
    );
  }

  deleteMachine(id: MachineId, actor: Actor): Reply<MachineId> {
    return this.#change((change) => deleteMachine(change, id, actor));
  }

  quarantineMachinesOf(owner: UserId, by: UserId | null): Reply<{ machinesQuarantined: number }> {
    return this.#change((change) => quarantineMachinesOf(change, owner, by));
  }

  hasMachine(id: MachineId): boolean {
    return this.ledger.isOpen && findMachine(this.ledger.sql, id) !== undefined;
  }

  /** Writes of the table API, to the rows that meet all filters; they answer how many. */
  changeMachines(filters: readonly Filter[], commands: readonly MachineCommand[], actor: Actor): Reply<number> {
    const { address_pool } = this.config.limits;
    return this.#change((change) => changeMachinesWhere(change, filters, commands, actor, address_pool));
  }

  deleteMachines(filters: readonly Filter[], actor: Actor): Reply<number> {
    return this.#change((change) => deleteMachinesWhere(change, filters, actor));
  }

  revokeAuthKeys(filters: readonly Filter[], by: UserId): Reply<number> {
    return this.#change((change) => revokeKeysWhere(change, filters, by));
  }

  listMachines(): Reply<Machine[]> {
    return this.#ask(() => {
      const { id } = this.ledger.org();
      const heard = this.streams.lastHeard();
      return listMachines(this.ledger.sql).map((row) =>
        machineOf(row, id, Math.max(row.last_seen, heard.get(row.id) ?? 0))
      );
    });
  }

  listAuthKeys(): Reply<AuthKey[]> {
    return this.#ask(() => {
      const { id } = this.ledger.org();
      return listAuthKeys(this.ledger.sql).map((row) => authKeyOf(row, id));
    });
  }

  /** The audit records that D1 has not got yet, or not said so, newest first. */
  listPendingAudits(): Reply<AuditLog[]> {
    return this.#ask(() => {
      const { id } = this.ledger.org();
      return listAudits(this.ledger.sql, MOST_PENDING_AUDITS).map((row) => auditOf(row, id)).reverse();
    });
  }

  readSettings(): Reply<OrgSettings> {
    return this.#ask(() => settingsOf(this.ledger.org()));
  }

  updateSettings(wanted: Partial<AdminSettings>, by: UserId): Reply<OrgSettings> {
    return this.#change((change) => updateSettings(change, wanted, by));
  }

  /** Does at once all that is due by time alone. */
  sweep(): Reply<Sweep> {
    return answer(() => this.clock.sweep());
  }

  /** Tells dashboards of what the Worker has written elsewhere: members, invitations, the org's name. */
  announce(
    channel: RealtimeChannel,
    event: RealtimeEvent["event"],
    payload: Record<string, unknown>,
  ): Reply<null> {
    return this.#ask(() => {
      this.ledger.org();
      this.dashboards.announce(rowEvent(channel, event, payload, Date.now()));
      return null;
    });
  }

  /** Has a person's dashboards show their credentials anew. */
  disconnect(userId: UserId): Reply<null> {
    return this.#ask(() => (this.dashboards.disconnect(userId, "session ended"), null));
  }

  #ask<T>(work: () => T): Reply<T> {
    return answer(() => {
      this.clock.look(Date.now());
      return work();
    });
  }

  #change<T>(work: (change: Change) => T): Reply<T> {
    return this.#ask(() => this.ledger.write(work));
  }

  get #enrolmentRules(): EnrolmentRules {
    const { limits, timings } = this.config;
    return { limits, timings, isConnected: (id) => this.streams.isConnected(id) };
  }
}
