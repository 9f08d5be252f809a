import { createAuthKey } from "#protocol/api/auth-keys.ts";
import { call } from "#protocol/api/call.ts";
import { deleteMachine } from "#protocol/api/machine-admin.ts";
import { registerMachine } from "#protocol/api/machines.ts";
import { createOrg } from "#protocol/api/orgs.ts";
import { type MachineId, type OrgId, orgRoutingTag } from "#protocol/ids.ts";
import type { WireGuardPublicKey } from "#protocol/keys.ts";
import { inTurn } from "../../process/in-turn.ts";
import { agentRegistrations } from "../registrations.ts";

/** What a machine needs to open its control stream. */
export interface Enrolled {
  readonly nodeKey: string;
  readonly wireguardPublicKey: WireGuardPublicKey;
}

const LANES = 16;

/** One org with so many registered machines. */
export class Fleet {
  readonly size: number;
  readonly orgId: OrgId;
  readonly machines: Enrolled[] = [];
  readonly #url: string;
  readonly #token: string;
  readonly #authKey: string;

  private constructor(size: number, url: string, token: string, orgId: OrgId, authKey: string) {
    this.size = size;
    this.orgId = orgId;
    this.#url = url;
    this.#token = token;
    this.#authKey = authKey;
  }

  static async found(size: number, url: string, token: string): Promise<Fleet> {
    const org = await call(fetch, url, createOrg, { name: `Fleet of ${size}` }, { token });
    const { key } = await call(fetch, url, createAuthKey, { org_id: org.id, name: "fleet", reusable: true }, { token });
    return new Fleet(size, url, token, org.id as OrgId, key);
  }

  get tag(): string {
    return orgRoutingTag(this.orgId);
  }

  async fill(): Promise<void> {
    const bodies = agentRegistrations(this.#authKey, "host", this.size);
    this.machines.push(...await inTurn(bodies, LANES, async (body) => (await this.#register(body)).enrolled));
  }

  /** Registers one machine more and takes it out again; answers how long the registration took. */
  async timeOneMore(): Promise<number> {
    const [body] = agentRegistrations(this.#authKey, "one-more", 1);
    const started = performance.now();
    const { id } = await this.#register(body!);
    const ms = performance.now() - started;
    const target = { org_id: this.orgId, machine_id: id };
    await call(fetch, this.#url, deleteMachine, target, { token: this.#token });
    return ms;
  }

  async #register(body: string): Promise<{ id: MachineId; enrolled: Enrolled }> {
    const ask = () => call(fetch, this.#url, registerMachine, JSON.parse(body));
    // A starved client may find its connection closed. The same machine key again is the same machine.
    const { machine_id, node_key } = await ask().catch(ask);
    const { wireguard_public_key } = JSON.parse(body) as { wireguard_public_key: WireGuardPublicKey };
    return { id: machine_id, enrolled: { nodeKey: node_key, wireguardPublicKey: wireguard_public_key } };
  }
}
