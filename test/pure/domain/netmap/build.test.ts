import { describe, expect, it } from "vitest";
import { buildNetMap, type MappedMachine, type MapRules, peersOf } from "#domain/netmap/build.ts";

const rules: MapRules = { addressPool: "100.64.0.0/10", subnetRouting: true, disableOffloads: false };

function machine(id: string, changes: Partial<MappedMachine> = {}): MappedMachine {
  return {
    id: id as never,
    name: id,
    tailnet_ip: `100.64.0.${id.charCodeAt(0)}`,
    public_key: id,
    endpoints: [],
    relay_region: null,
    status: "online",
    os: null,
    admin_disabled: false,
    key_expired: false,
    shields_up: false,
    ssh_enabled: false,
    accept_routes: false,
    advertise_exit_node: false,
    exit_node_approved: false,
    advertised_routes: [],
    approved_routes: [],
    ...changes,
  };
}

const router = machine("r", {
  advertised_routes: ["10.1.0.0/16", "10.2.0.0/16"],
  approved_routes: ["10.1.0.0/16", "10.9.0.0/16"],
});

const routesOf = (self: MappedMachine, rule = rules) => peersOf(self, [self, router], rule)[0]?.allowed_ips;

describe("the network map", () => {
  it("gives approved routes to a machine with accept_routes, as far as they are still advertised", () => {
    expect(routesOf(machine("a", { accept_routes: true }))).toEqual(["100.64.0.114/32", "10.1.0.0/16"]);
  });

  it("gives only addresses to a machine without accept_routes", () => {
    expect(routesOf(machine("a"))).toEqual(["100.64.0.114/32"]);
  });

  it("gives no routes in an org with allow_subnet_routing off", () => {
    expect(routesOf(machine("a", { accept_routes: true }), { ...rules, subnetRouting: false })).toEqual([
      "100.64.0.114/32",
    ]);
  });

  it("tells a machine its own flags, and disable_offloads where the org wants that", () => {
    const self = machine("a", { shields_up: true, ssh_enabled: true, advertised_routes: ["10.3.0.0/16"] });
    const rest = { seq: 1, org: { id: "o" as never, name: "", slug: "" }, relays: [], self, machines: [self] };
    const timings = { heartbeat_s: 1, direct_attempt_s: 1, direct_retry_s: 1 };
    const map = buildNetMap({ ...rest, timings, rules: { ...rules, disableOffloads: true } });
    expect(map.self).toMatchObject({
      shields_up: true,
      ssh_enabled: true,
      accept_routes: false,
      advertised_routes: ["10.3.0.0/16"],
      disable_offloads: true,
    });
  });
});
