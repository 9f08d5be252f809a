import { DurableObject } from "cloudflare:workers";
import { cleanTags } from "#domain/machine/tags.ts";
import type { AuthKey } from "#protocol/api/auth-keys.ts";
import type { Machine } from "#protocol/api/machines.ts";
import type { OrgSettings } from "#protocol/api/orgs.ts";
import { type Reply, ZtnaError } from "#protocol/errors.ts";
import type { AuthKeyId, OrgId, UserId } from "#protocol/ids.ts";
import { readConfig } from "../../worker/config.ts";
import { answer } from "../reply.ts";
import { projectChanges } from "./projection.ts";
import { countRegistration, register, type Registration, type RegistrationInput } from "./registration.ts";
import { insertAudit } from "./store/audit-logs.ts";
import { findAuthKey, insertAuthKey, listAuthKeys, markRevoked, showAuthKey } from "./store/auth-keys.ts";
import { listMachines, quarantineMachinesOf, showMachine } from "./store/machines.ts";
import { readMeta, readNumber, writeMeta } from "./store/meta.ts";
import { createTables, isInitialized } from "./store/schema.ts";

export interface AuthKeyInput {
  readonly id: AuthKeyId;
  readonly hash: string;
  readonly keyPrefix: string;
  readonly name: string;
  readonly reusable: boolean;
  readonly ephemeral: boolean;
  readonly expiryDays: number;
  readonly allowedTags: readonly string[];
  readonly allowedCidrs: readonly string[];
  readonly createdBy: UserId;
}

const DAY_MS = 86_400_000;
const RETRY_PROJECTION_MS = 5_000;

/** One org: the single writer and the truth for its machines, auth keys, quota and addresses. */
export class OrgObject extends DurableObject<Env> {
  readonly #sql = this.ctx.storage.sql;
  #initialized = false;
  #alarmArmed = false;

  initialize(org: { id: OrgId; name: string; slug: string }): Reply<null> {
    return answer(() =>
      this.ctx.storage.transactionSync(() => {
        createTables(this.#sql);
        const known = readMeta(this.#sql, "org_id");
        if (known !== undefined && known !== org.id) throw new ZtnaError("CONFLICT");
        writeMeta(this.#sql, "org_id", org.id);
        writeMeta(this.#sql, "name", org.name);
        writeMeta(this.#sql, "slug", org.slug);
        return null;
      })
    );
  }

  async register(input: RegistrationInput): Promise<Reply<Registration>> {
    const reply = answer(() => {
      this.#requireOrg("INVALID_KEY");
      const { limits, timings } = readConfig(this.env);
      const rules = { limits, timings, now: Date.now(), isConnected: () => false };
      countRegistration(this.#sql, input, rules);
      return this.ctx.storage.transactionSync(() => register(this.#sql, input, rules));
    });
    if (reply.ok) await this.#armProjection();
    return reply;
  }

  async createAuthKey(input: AuthKeyInput): Promise<Reply<AuthKey>> {
    const reply = answer(() => {
      const orgId = this.#requireOrg("NOT_FOUND");
      return this.ctx.storage.transactionSync(() => this.#insertAuthKey(orgId, input, Date.now()));
    });
    if (reply.ok) await this.#armProjection();
    return reply;
  }

  async revokeAuthKey(id: AuthKeyId, by: UserId): Promise<Reply<{ machinesQuarantined: number }>> {
    const reply = answer(() => {
      this.#requireOrg("NOT_FOUND");
      return this.ctx.storage.transactionSync(() => {
        if (findAuthKey(this.#sql, id) === undefined) throw new ZtnaError("NOT_FOUND", "Auth key not found");
        markRevoked(this.#sql, id);
        const machinesQuarantined = quarantineMachinesOf(this.#sql, id).length;
        const details = { machines_quarantined: machinesQuarantined };
        const entry = {
          action: "auth_key.revoked",
          resourceType: "auth_key",
          resourceId: id,
          userId: by,
          details,
        } as const;
        insertAudit(this.#sql, entry, Date.now());
        return { machinesQuarantined };
      });
    });
    if (reply.ok) await this.#armProjection();
    return reply;
  }

  listMachines(): Reply<Machine[]> {
    return answer(() => {
      const orgId = this.#requireOrg("NOT_FOUND");
      return listMachines(this.#sql).map((row) => showMachine(row, orgId));
    });
  }

  listAuthKeys(): Reply<AuthKey[]> {
    return answer(() => {
      const orgId = this.#requireOrg("NOT_FOUND");
      return listAuthKeys(this.#sql).map((row) => showAuthKey(row, orgId));
    });
  }

  readSettings(): Reply<OrgSettings> {
    return answer(() => {
      const orgId = this.#requireOrg("NOT_FOUND");
      const quota = readMeta(this.#sql, "machine_quota");
      const pool = readMeta(this.#sql, "address_pool");
      return {
        org_id: orgId,
        allow_exit_nodes: false,
        allow_subnet_routing: true,
        key_expiry_days: 180,
        posture_enforcement: "disabled" as const,
        reregistration: readMeta(this.#sql, "reregistration") === "machine_key"
          ? "machine_key" as const
          : "name" as const,
        machine_quota: quota === undefined ? null : Number(quota),
        address_pool: pool === undefined ? null : String(pool),
      };
    });
  }

  override async alarm(): Promise<void> {
    this.#alarmArmed = false;
    try {
      while (await projectChanges(this.#sql, this.env.DB));
    } catch (error) {
      // The runtime gives up after six retries of its own; D1 may be away for longer than that.
      console.error(JSON.stringify({ event: "projection.failed", error: String(error) }));
      await this.ctx.storage.setAlarm(Date.now() + RETRY_PROJECTION_MS);
      return;
    }
    if (readNumber(this.#sql, "rev") > readNumber(this.#sql, "synced_rev")) await this.#armProjection();
  }

  #requireOrg(refusal: "INVALID_KEY" | "NOT_FOUND"): OrgId {
    this.#initialized ||= isInitialized(this.#sql);
    if (!this.#initialized) throw new ZtnaError(refusal);
    return readMeta(this.#sql, "org_id") as OrgId;
  }

  #insertAuthKey(orgId: OrgId, input: AuthKeyInput, now: number): AuthKey {
    const tags = cleanTags(input.allowedTags);
    const { id, hash, name } = input;
    insertAuthKey(this.#sql, {
      id,
      hash,
      key_prefix: input.keyPrefix,
      name,
      reusable: Number(input.reusable),
      ephemeral: Number(input.ephemeral),
      expires_at: now + input.expiryDays * DAY_MS,
      allowed_tags: tags.length === 0 ? null : JSON.stringify(tags),
      allowed_cidrs: input.allowedCidrs.length === 0 ? null : JSON.stringify(input.allowedCidrs),
      created_by: input.createdBy,
      created_at: now,
    });
    const { reusable, ephemeral, expiryDays, createdBy, allowedCidrs } = input;
    const details = {
      name,
      reusable,
      ephemeral,
      expiry_days: expiryDays,
      allowed_tags: tags,
      allowed_cidrs: allowedCidrs,
    };
    const entry = {
      action: "auth_key.created",
      resourceType: "auth_key",
      resourceId: id,
      userId: createdBy,
      details,
    } as const;
    insertAudit(this.#sql, entry, now);
    return showAuthKey(findAuthKey(this.#sql, id)!, orgId);
  }

  async #armProjection(): Promise<void> {
    if (this.#alarmArmed) return;
    this.#alarmArmed = true;
    await this.ctx.storage.setAlarm(Date.now() + readConfig(this.env).timings.projection_delay_s * 1000);
  }
}
