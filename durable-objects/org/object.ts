import { DurableObject } from "cloudflare:workers";
import type { Filter } from "#domain/tables/filters.ts";
import type { AuditLog } from "#protocol/api/audit-logs.ts";
import type { AuthKey } from "#protocol/api/auth-keys.ts";
import type { AdminSettings } from "#domain/org/settings.ts";
import type { MachineClaims } from "#domain/secrets/machine-token.ts";
import type { Machine } from "#protocol/api/machines.ts";
import type { OrgSettings } from "#protocol/api/orgs.ts";
import { type ErrorCode, type Reply, ZtnaError } from "#protocol/errors.ts";
import { CONTROL_PATH, KEEPALIVE_PING, KEEPALIVE_PONG } from "#protocol/control/messages.ts";
import type { AuthKeyId, MachineId, OrgId, UserId } from "#protocol/ids.ts";
import type { NetMap } from "#protocol/netmap.ts";
import type { RealtimeChannel, RealtimeEvent } from "#protocol/realtime.ts";
import { type Config, readConfig } from "../../worker/config.ts";
import { answer } from "../reply.ts";
import { type Actor, requireCaller } from "./actor.ts";
import { Change } from "./change.ts";
import { closeOrg } from "./closing.ts";
import { ControlStreams } from "./control-streams.ts";
import { Dashboards } from "./dashboards.ts";
import type { EnrolmentRules } from "./enrolment.ts";
import { type HeartbeatInput, takeHeartbeat } from "./heartbeat.ts";
import { addAuthKey, type AuthKeyInput, countMachinesOfKey, revokeKey } from "./key-changes.ts";
import { administer, deleteMachine, type MachineCommand, quarantineMachinesOf } from "./machine-admin.ts";
import { mapRulesOf, netMapOf } from "./net-map.ts";
import { projectChanges } from "./projection.ts";
import { countRegistration, register, type Registration, type RegistrationInput } from "./registration.ts";
import { rowEvent } from "./row-events.ts";
import { type Chore, Schedule } from "./schedule.ts";
import { countSetup, type Setup, setUp, type SetupInput } from "./setup.ts";
import { auditOf, listAudits } from "./store/audit.ts";
import { authKeyOf, listAuthKeys } from "./store/auth-keys.ts";
import { findMachine, listMachines, machineOf } from "./store/machines.ts";
import { type ConfiguredOrg, findOrg, insertOrg, saveName, settingsOf } from "./store/org.ts";
import { updateSettings } from "./settings.ts";
import { choresAfter, doTimed, periodOf, sweep } from "./sweep.ts";
import { dropEndedWindows } from "./store/rate-limits.ts";
import { applySchema, hasTables } from "./store/schema.ts";
import { changeMachinesWhere, deleteMachinesWhere, revokeKeysWhere } from "./table-changes.ts";

const RETRY_PROJECTION_MS = 1_000;
const RETRY_PROJECTION_MOST_MS = 60_000;
const MOST_PENDING_AUDITS = 10_000;

/** What a heartbeat is answered with. */
export interface Heartbeat {
  readonly machine: Machine;
  readonly map: NetMap;
  /** Settings of the request that were not granted, one sentence each. */
  readonly refused: readonly string[];
}

/** One org: the single writer and the truth for its machines, auth keys, quota and addresses. */
export class OrgObject extends DurableObject<Env> {
  readonly #sql: SqlStorage;
  readonly #config: Config;
  /** Undefined as long as the org was never initialised: such an object stores nothing. */
  #schedule: Schedule | undefined;
  readonly #streams: ControlStreams;
  readonly #dashboards: Dashboards;
  #projectionFailures = 0;
  #commit: Promise<void> | undefined;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#sql = ctx.storage.sql;
    this.#config = readConfig(env);
    this.#dashboards = new Dashboards(ctx, this.#config.limits);
    this.#streams = new ControlStreams({
      ctx,
      config: this.#config,
      read: () => this.#requireOrg("INVALID_NODE_KEY"),
      write: (work) => this.#write(work),
    });
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(KEEPALIVE_PING, KEEPALIVE_PONG));
    if (hasTables(this.#sql)) this.#open();
  }

  initialize(org: { id: OrgId; name: string; slug: string }): Reply<null> {
    return answer(() => {
      this.#open();
      const known = findOrg(this.#sql);
      if (known === undefined) insertOrg(this.#sql, org);
      else if (known.id !== org.id) throw new ZtnaError("CONFLICT");
      return null;
    });
  }

  /** The name that the directory gives the org from now on. */
  rename(name: string): Reply<null> {
    return answer(() => {
      this.#requireOrg();
      saveName(this.#sql, name);
      return null;
    });
  }

  /** Takes the org out of the world when its last member has gone. */
  close(): Reply<null> {
    return answer(() => this.#write((change) => (closeOrg(change), null)));
  }

  async register(input: RegistrationInput): Promise<Reply<Registration>> {
    await this.#nextCommit();
    return answer(() => {
      const org = this.#requireOrg("INVALID_KEY");
      const rules = this.#enrolmentRules;
      countRegistration(this.#sql, input, rules, Date.now());
      return this.#write((change) => register(change, input, rules), org);
    });
  }

  async setUpMachine(input: SetupInput): Promise<Reply<Setup>> {
    await this.#nextCommit();
    return answer(() => {
      const org = this.#requireOrg();
      const rules = this.#enrolmentRules;
      countSetup(this.#sql, input, rules, Date.now());
      return this.#write((change) => setUp(change, input, rules), org);
    });
  }

  heartbeat(input: HeartbeatInput): Reply<Heartbeat> {
    return answer(() => {
      const org = this.#requireOrg("INVALID_NODE_KEY");
      const { addressPool } = mapRulesOf(org, this.#config);
      const limits = { touchAfterMs: this.#offlineAfterMs / 2, addressPool };
      const { row, refused } = this.#write((change) => takeHeartbeat(change, input, limits), org);
      const map = netMapOf(this.#sql, org, this.#config, input.host, row);
      return { machine: machineOf(row, org.id), map, refused };
    });
  }

  createAuthKey(input: AuthKeyInput): Reply<AuthKey> {
    return answer(() => this.#write((change) => addAuthKey(change, input)));
  }

  revokeAuthKey(id: AuthKeyId, by: UserId): Reply<{ machinesQuarantined: number }> {
    return answer(() => this.#write((change) => revokeKey(change, id, by)));
  }

  countMachinesOfKey(id: AuthKeyId): Reply<number> {
    return answer(() => {
      this.#requireOrg();
      return countMachinesOfKey(this.#sql, id);
    });
  }

  /** Refuses a machine whose token is worth nothing any more. */
  admitMachine(claims: MachineClaims): Reply<null> {
    return answer(() => {
      requireCaller(this.#sql, this.#requireOrg("UNAUTHORIZED"), claims, Date.now());
      return null;
    });
  }

  administerMachine(id: MachineId, command: MachineCommand, actor: Actor): Reply<Machine> {
    return answer(() => {
      const org = this.#requireOrg();
      const { address_pool } = this.#config.limits;
      return machineOf(this.#write((change) => administer(change, id, command, actor, address_pool), org), org.id);
    });
  }

  deleteMachine(id: MachineId, actor: Actor): Reply<MachineId> {
    return answer(() => this.#write((change) => deleteMachine(change, id, actor)));
  }

  quarantineMachinesOf(owner: UserId, by: UserId | null): Reply<{ machinesQuarantined: number }> {
    return answer(() => this.#write((change) => quarantineMachinesOf(change, owner, by)));
  }

  hasMachine(id: MachineId): boolean {
    return this.#schedule !== undefined && findMachine(this.#sql, id) !== undefined;
  }

  /** Writes of the table API, to the rows that meet all filters; they answer how many. */
  changeMachines(filters: readonly Filter[], commands: readonly MachineCommand[], actor: Actor): Reply<number> {
    const { address_pool } = this.#config.limits;
    return answer(() => this.#write((change) => changeMachinesWhere(change, filters, commands, actor, address_pool)));
  }

  deleteMachines(filters: readonly Filter[], actor: Actor): Reply<number> {
    return answer(() => this.#write((change) => deleteMachinesWhere(change, filters, actor)));
  }

  revokeAuthKeys(filters: readonly Filter[], by: UserId): Reply<number> {
    return answer(() => this.#write((change) => revokeKeysWhere(change, filters, by)));
  }

  listMachines(): Reply<Machine[]> {
    return answer(() => {
      const { id } = this.#requireOrg();
      return listMachines(this.#sql).map((row) =>
        machineOf(row, id, Math.max(row.last_seen, this.#streams.lastHeard(row.id)))
      );
    });
  }

  listAuthKeys(): Reply<AuthKey[]> {
    return answer(() => {
      const { id } = this.#requireOrg();
      return listAuthKeys(this.#sql).map((row) => authKeyOf(row, id));
    });
  }

  readSettings(): Reply<OrgSettings> {
    return answer(() => settingsOf(this.#requireOrg()));
  }

  /** The audit records that D1 has not got yet, or not said so, newest first. */
  listPendingAudits(): Reply<AuditLog[]> {
    return answer(() => {
      const { id } = this.#requireOrg();
      return listAudits(this.#sql, MOST_PENDING_AUDITS).map((row) => auditOf(row, id)).reverse();
    });
  }

  /** Tells dashboards of what the Worker has written elsewhere: members, invitations, the org's name. */
  announce(
    channel: RealtimeChannel,
    event: RealtimeEvent["event"],
    payload: Record<string, unknown>,
  ): Reply<null> {
    return answer(() => {
      this.#requireOrg();
      this.#dashboards.announce(rowEvent(channel, event, payload, Date.now()));
      return null;
    });
  }

  updateSettings(wanted: Partial<AdminSettings>, by: UserId): Reply<OrgSettings> {
    return answer(() => this.#write((change) => updateSettings(change, wanted, by)));
  }

  /** Does at once all that is due by time alone, and sees to it that the alarm will ring for the rest. */
  sweep(): Reply<{ expiredCount: number; ephemeralCleaned: number }> {
    return answer(() => {
      const done = this.#write((change) => sweep(change, this.#streams, this.#config.timings));
      this.#schedule?.rearm();
      return done;
    });
  }

  /** Has a person's dashboards show their credentials anew. */
  disconnect(userId: UserId): Reply<null> {
    return answer(() => (this.#dashboards.disconnect(userId, "session ended"), null));
  }

  /** Upgrades that the Worker has admitted. */
  override fetch(request: Request): Response {
    const now = Date.now();
    if (new URL(request.url).pathname === CONTROL_PATH) return this.#streams.accept(request);
    if (this.#schedule === undefined) return new Response(null, { status: 404 });
    this.#schedule.arm("close_idle", now + this.#idleMs);
    return this.#dashboards.accept(request, now);
  }

  override webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): void {
    if (typeof message !== "string") return;
    if (!this.#dashboards.handleMessage(socket, message, Date.now())) this.#streams.handleMessage(socket, message);
  }

  override webSocketClose(socket: WebSocket): void {
    this.#streams.handleClose(socket);
  }

  override webSocketError(socket: WebSocket): void {
    this.#streams.handleClose(socket);
  }

  override async alarm(): Promise<void> {
    for (const chore of this.#schedule?.takeDue(Date.now()) ?? []) await this.#do(chore);
    this.#schedule?.rearm();
  }

  /**
   * Resolves once the commit in flight is on disk; all who waited for it then write in one turn, which the runtime commits
   * at once. A storm costs one flush for many registrations, a single one waits for nothing.
   */
  #nextCommit(): Promise<void> {
    return this.#commit ??= this.ctx.storage.sync().finally(() => void (this.#commit = undefined));
  }

  #open(): void {
    this.ctx.storage.transactionSync(() => applySchema(this.#sql));
    this.#schedule ??= new Schedule(this.ctx.storage);
  }

  #requireOrg(refusal: ErrorCode = "NOT_FOUND"): ConfiguredOrg {
    const org = this.#schedule && findOrg(this.#sql);
    if (org === undefined) throw new ZtnaError(refusal);
    return { ...org, key_day_ms: this.#config.timings.node_key_day_s * 1000 };
  }

  /** Runs one change of the org in one synchronous transaction, then tells whom it concerns. */
  #write<T>(work: (change: Change) => T, org = this.#requireOrg()): T {
    const change = new Change(this.#sql, org, Date.now());
    const value = this.ctx.storage.transactionSync(() => {
      const done = work(change);
      change.seal();
      return done;
    });
    if (!change.isEmpty) this.#publish(change);
    return value;
  }

  #publish(change: Change): void {
    this.#schedule?.arm("project", change.now + this.#config.timings.projection_delay_s * 1000);
    for (const [chore, dueAt] of choresAfter(change, this.#config.timings)) this.#schedule?.arm(chore, dueAt);
    this.#streams.tell(change);
    this.#dashboards.tell(change);
  }

  get #enrolmentRules(): EnrolmentRules {
    const { limits, timings } = this.#config;
    return { limits, timings, isConnected: (id) => this.#streams.isConnected(id) };
  }

  get #offlineAfterMs(): number {
    return this.#config.timings.offline_after_s * 1000;
  }

  get #idleMs(): number {
    return this.#config.timings.realtime_idle_s * 1000;
  }

  async #do(chore: Chore): Promise<void> {
    if (chore === "project") return await this.#project();
    const now = Date.now();
    const [next, periodMs] = this.#look(chore, now);
    // One round serves everybody who is due soon: an org is not woken for each of its machines.
    if (next !== undefined) this.#schedule?.arm(chore, Math.max(next, now + periodMs / 4));
  }

  /** Does what is due; answers when there is more to do, and how long that takes at most. */
  #look(chore: Exclude<Chore, "project">, now: number): [next: number | undefined, periodMs: number] {
    if (chore === "close_idle") return [this.#dashboards.closeIdle(now, this.#idleMs), this.#idleMs];
    const { timings } = this.#config;
    return [this.#write((change) => doTimed(chore, change, this.#streams, timings)), periodOf(chore, timings)];
  }

  async #project(): Promise<void> {
    dropEndedWindows(this.#sql, Date.now());
    try {
      while (await projectChanges(this.#sql, this.env.DB, this.#requireOrg().id));
      this.#projectionFailures = 0;
    } catch (error) {
      // The runtime gives up after six retries of its own; D1 may be away for longer than that.
      console.error(JSON.stringify({ event: "projection.failed", error: String(error) }));
      const delay = Math.min(RETRY_PROJECTION_MS * 2 ** this.#projectionFailures++, RETRY_PROJECTION_MOST_MS);
      this.#schedule?.arm("project", Date.now() + delay);
    }
  }
}
