import { expect } from "vitest";
import { call } from "#protocol/api/call.ts";
import type { Endpoint, InputOf, ResponseOf } from "#protocol/api/endpoint.ts";
import type { Machine } from "#protocol/api/machines.ts";
import { listMachines } from "#protocol/api/tables.ts";
import type { MachineId, OrgId } from "#protocol/ids.ts";
import type { RealtimeEvent } from "#protocol/realtime.ts";
import type { Host } from "../../../tools/lab/host.ts";
import { Subscriber } from "./subscriber.ts";

/** An org as its admin acts on it from a host, with somebody who listens to all that becomes of it. */
export class WatchedOrg {
  readonly id: OrgId;
  readonly #host: Host;
  readonly #url: string;
  readonly #token: string;
  readonly #subscriber: Subscriber;

  private constructor(host: Host, url: string, id: OrgId, token: string, subscriber: Subscriber) {
    this.#host = host;
    this.#url = url;
    this.id = id;
    this.#token = token;
    this.#subscriber = subscriber;
  }

  static async watch(host: Host, { url, id, token }: { url: string; id: OrgId; token: string }): Promise<WatchedOrg> {
    const channels = ["machines", "keys", "audit"] as const;
    const subscriber = await Subscriber.start(host, { url, orgId: id, token, channels: [...channels] });
    return new WatchedOrg(host, url, id, token, subscriber);
  }

  ask<E extends Endpoint>(endpoint: E, input: InputOf<E>): Promise<ResponseOf<E>> {
    return call(this.#host.fetch, this.#url, endpoint, input, { token: this.#token });
  }

  async machine(name: string): Promise<Machine | undefined> {
    return (await this.ask(listMachines, { org_id: this.id })).find((machine) => machine.name === name);
  }

  /** What the actions of `machine-admin` want to be told of a machine. */
  async targetOf(name: string): Promise<{ org_id: OrgId; machine_id: MachineId }> {
    return { org_id: this.id, machine_id: (await this.machine(name))!.id };
  }

  get events(): RealtimeEvent[] {
    return this.#subscriber.events;
  }

  /** Waits until the subscriber has heard of it. */
  async hears(event: Pick<RealtimeEvent, "channel" | "event" | "payload">, timeout = 1000): Promise<void> {
    await expect.poll(() => this.events, { timeout, interval: 20 }).toContainEqual(
      expect.objectContaining({ ...event, payload: expect.objectContaining(event.payload) }),
    );
  }

  /** What people did, as the subscriber heard it. */
  get deeds(): unknown[] {
    const audits = this.events.filter(({ channel, payload }) => channel === "audit" && payload["user_id"] !== null);
    return audits.map(({ payload }) => payload["action"]);
  }

  stop(): Promise<number> {
    return this.#subscriber.stop();
  }
}
