import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { MappedMachine, MapRules } from "#domain/netmap/build.ts";
import { buildNetMap, peersOf, viewOf } from "#domain/netmap/build.ts";
import { diffPeers } from "#domain/netmap/diff.ts";
import type { Peer } from "#protocol/netmap.ts";
import { deltaFor, type Listener, viewAfter } from "../../../../durable-objects/org/roster.ts";

const ids = ["a", "b", "c", "d"] as const;

const machine = (id: string) =>
  fc.record({
    id: fc.constant(id as never),
    name: fc.constantFrom("x", "y"),
    tailnet_ip: fc.constant(`100.64.0.${id.charCodeAt(0)}`),
    public_key: fc.constantFrom("k1", "k2"),
    endpoints: fc.constantFrom([], ["192.0.2.1:1"]),
    relay_region: fc.constantFrom(null, "blr1"),
    status: fc.constantFrom("online", "offline", "quarantined", "pending"),
    os: fc.constant(null),
    admin_disabled: fc.boolean(),
    key_expired: fc.boolean(),
    shields_up: fc.boolean(),
    ssh_enabled: fc.constant(false),
    accept_routes: fc.boolean(),
    advertise_exit_node: fc.constant(false),
    exit_node_approved: fc.constant(false),
    advertised_routes: fc.constantFrom([], ["10.1.0.0/16"], ["10.1.0.0/16", "10.2.0.0/16"]),
    approved_routes: fc.constantFrom([], ["10.1.0.0/16"], ["10.3.0.0/16"]),
  }) satisfies fc.Arbitrary<MappedMachine>;

const rules: MapRules = { addressPool: "10.0.0.0/8", subnetRouting: true, disableOffloads: false };

const org = fc.tuple(...ids.map(machine));

function mapOf(self: MappedMachine, machines: readonly MappedMachine[]) {
  const rest = { seq: 1, org: { id: "o" as never, name: "", slug: "" }, relays: [], rules };
  return buildNetMap({ ...rest, self, machines, timings: { heartbeat_s: 1, direct_attempt_s: 1, direct_retry_s: 1 } });
}

/** What an agent does with the lists of a delta. */
function applied(peers: readonly Peer[], change: { upsert: readonly Peer[]; remove: readonly string[] }): Peer[] {
  const byId = new Map(peers.map((peer) => [peer.id, peer]));
  for (const id of change.remove) byId.delete(id as never);
  for (const peer of change.upsert) byId.set(peer.id, peer);
  return [...byId.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
}

describe("a difference of peers", () => {
  it("turns one list into the other, and is empty between equal ones", () => {
    fc.assert(fc.property(org, org, (before, after) => {
      const [old, young] = [peersOf(before[0]!, before, rules), peersOf(after[0]!, after, rules)];
      expect(applied(old, diffPeers(old, young))).toEqual(young);
      expect(diffPeers(old, old)).toEqual({ upsert: [], remove: [] });
    }));
  });
});

describe("the deltas of a change", () => {
  it("bring every listener from the old map to the new one, and nobody hears of what does not concern it", () => {
    fc.assert(fc.property(org, org, fc.subarray([0, 1, 2, 3]), (before, after, changed) => {
      const now = before.map((machine, i) => (changed.includes(i) ? after[i]! : machine));
      const machines = changed.map((i) => ({ before: before[i]!, after: after[i]! }));
      const shift = { machines, seq: 8, rules, all: () => now };
      for (const [i, self] of before.entries()) {
        const [old, young] = [mapOf(self, before), mapOf(now[i]!, now)];
        const listener: Listener = { machineId: self.id, seq: 5, view: viewOf(self, rules) };
        const delta = deltaFor(listener, shift);
        const same = JSON.stringify(old) === JSON.stringify(young);
        if (same) expect(delta).toBeUndefined();
        else {
          expect(delta).toMatchObject({ since: 5, seq: 8 });
          expect(delta!.self ?? old.self).toEqual(young.self);
          expect(applied(old.peers, delta!)).toEqual(young.peers);
        }
        expect(viewAfter(listener, shift)).toBe(viewOf(now[i]!, rules));
      }
    }));
  });
});
