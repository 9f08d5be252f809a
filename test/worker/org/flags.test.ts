import { runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { call } from "#protocol/api/call.ts";
import { machineHeartbeat } from "#protocol/api/machines.ts";
import { base, selfFetch } from "../support/api.ts";
import { Stream } from "./inbox.ts";
import { makeKey, newMachine, newOrg, type Org, orgStub } from "./support.ts";

async function pair(keyOptions = {}) {
  const org = await newOrg();
  const { key } = await makeKey(org, keyOptions);
  const [a, router] = [await newMachine(key, "a"), await newMachine(key, "router")];
  return { org, a, router };
}

const beat = (node_key: string, more = {}) => call(selfFetch, base, machineHeartbeat, { node_key, ...more });

async function execute(org: Org, statement: string): Promise<void> {
  await runInDurableObject(orgStub(org.orgId), (_, state) => void state.storage.sql.exec(statement));
}

const listed = async (org: Org, id: string) => {
  const machines = await orgStub(org.orgId).listMachines();
  return machines.ok ? machines.value.find((machine) => machine.id === id) : undefined;
};

describe("the flags of a machine", () => {
  it("reach its agent as a delta within a second of their change, and its peers hear nothing", async () => {
    const { a, router } = await pair();
    const own = await Stream.joined(a.node_key, a.publicKey);
    const other = await Stream.joined(router.node_key, router.publicKey);
    expect(own.map.self).toMatchObject({ shields_up: false, ssh_enabled: false, accept_routes: false });
    const before = Date.now();
    await beat(a.node_key, { settings: { shields_up: true, ssh_enabled: true } });
    const delta = await own.stream.takeDelta();
    expect(Date.now() - before).toBeLessThan(1_000);
    expect(delta).toMatchObject({ self: { shields_up: true, ssh_enabled: true }, upsert: [], remove: [] });
    other.stream.send({ type: "map_wanted" });
    expect((await other.stream.takeMap()).self.shields_up).toBe(false);
  });

  it("stand in the answer of POST /api/machine-heartbeat, with the whole map", async () => {
    const { org, a, router } = await pair();
    await beat(a.node_key, { settings: { accept_routes: true, shields_up: true } });
    const answer = await beat(a.node_key);
    expect(answer).toMatchObject({
      status: "online",
      shields_up: true,
      ssh_enabled: false,
      accept_routes: true,
      advertise_exit_node: false,
      self: { id: a.machine_id, name: "a", address_pool: "100.64.0.0/10", accept_routes: true },
      org: { id: org.orgId },
      peers: [{ id: router.machine_id }],
      timings: { heartbeat_s: 60 },
    });
    expect(answer.relays.map(({ hostname }) => hostname)).toContain("ztna.test");
    for (const absent of ["quarantined", "admin_disabled", "refused"]) expect(answer).not.toHaveProperty(absent);
  });
});

describe("what an agent sets for its own machine", () => {
  it("is taken from its hello, is in the map that follows, and is answered", async () => {
    const { org, a } = await pair();
    const stream = await Stream.open(a.node_key);
    stream.hello(a.publicKey, [], { name: "renamed", tags: ["tag:web"], shields_up: true });
    expect(await stream.take()).toEqual({ type: "settled", refused: [] });
    expect((await stream.takeMap()).self).toMatchObject({ name: "renamed", shields_up: true });
    expect(await listed(org, a.machine_id)).toMatchObject({ name: "renamed", tags: ["web"], shields_up: true });
  });

  it("is taken from an update, is told to its peers, and leaves one audit row", async () => {
    const { org, a, router } = await pair();
    const own = await Stream.joined(a.node_key, a.publicKey);
    const other = await Stream.joined(router.node_key, router.publicKey);
    for (let times = 0; times < 2; times++) own.stream.send({ type: "update", settings: { name: "a-2" } });
    const told = [await own.stream.take(), await own.stream.take(), await own.stream.take()];
    expect(told.filter(({ type }) => type === "settled")).toHaveLength(2);
    expect(told.find(({ type }) => type === "delta")).toMatchObject({ delta: { self: { name: "a-2" } } });
    expect(await other.stream.takeDelta()).toMatchObject({ upsert: [{ name: "a-2" }] });
    const audits = await runInDurableObject(
      orgStub(org.orgId),
      (_, state) =>
        state.storage.sql.exec("SELECT details FROM audit_outbox WHERE action = 'machine.settings_changed'").toArray(),
    );
    expect(audits).toHaveLength(1);
  });

  it("is stripped of what key and org do not allow, and each refusal is said", async () => {
    const { org, a, router } = await pair({ allowed_tags: ["web"] });
    const settings = {
      tags: ["web", "root"],
      advertise_exit_node: true,
      advertise_routes: ["10.1.0.0/16"],
      name: "router",
    };
    await execute(org, "UPDATE org SET allow_subnet_routing = 0");
    const { refused } = await beat(a.node_key, { settings });
    expect(refused).toEqual([
      "tag root is not allowed by the auth key",
      "exit nodes not allowed for this org",
      "subnet routing not allowed for this org",
      "a machine named router exists already",
    ]);
    expect(await listed(org, a.machine_id)).toMatchObject({
      name: "a",
      tags: ["web"],
      advertise_exit_node: false,
      advertised_routes: [],
    });
    expect((await listed(org, router.machine_id))?.name).toBe("router");
  });

  it("waits while an admin has set the machine apart", async () => {
    const { org, a } = await pair();
    await execute(org, "UPDATE machines SET admin_disabled = 1 WHERE name = 'a'");
    const { refused, shields_up } = await beat(a.node_key, { settings: { shields_up: true } });
    expect({ refused, shields_up }).toEqual({ refused: ["this machine is disabled"], shields_up: false });
  });
});

describe("approved routes", () => {
  it("are told at once to those who accept routes, and only to them", async () => {
    const { org, a, router } = await pair();
    const stream = await Stream.open(a.node_key);
    stream.hello(a.publicKey, [], { accept_routes: true });
    for (let times = 0; times < 4; times++) await stream.take();
    // As an admin has approved them once.
    await execute(org, `UPDATE machines SET approved_routes = '["10.1.0.0/16"]' WHERE name = 'router'`);
    await beat(router.node_key, { settings: { advertise_routes: ["10.1.0.0/16", "10.2.0.0/16"] } });
    const address = `${router.tailnet_ip}/32`;
    const [peer] = (await stream.takeDelta()).upsert;
    expect(peer).toMatchObject({ id: router.machine_id, allowed_ips: [address, "10.1.0.0/16"] });
    stream.send({ type: "update", settings: { accept_routes: false } });
    const { delta: dropped } = await stream.takeNext("delta");
    expect(dropped.self?.accept_routes).toBe(false);
    expect(dropped.upsert).toMatchObject([{ id: router.machine_id, allowed_ips: [address] }]);
  });

  it("are in POST /api/machine-heartbeat as long as the org allows subnet routing", async () => {
    const { org, a, router } = await pair();
    await execute(org, `UPDATE machines SET approved_routes = '["10.1.0.0/16"]' WHERE name = 'router'`);
    await beat(router.node_key, { settings: { advertise_routes: ["10.1.0.0/16"] } });
    await beat(a.node_key, { settings: { accept_routes: true } });
    expect((await beat(a.node_key)).peers[0]?.allowed_ips).toContain("10.1.0.0/16");
    await execute(org, "UPDATE org SET allow_subnet_routing = 0");
    expect((await beat(a.node_key)).peers[0]?.allowed_ips).toEqual([`${router.tailnet_ip}/32`]);
  });
});

describe("telemetry in POST /api/machine-heartbeat", () => {
  const telemetry = {
    os_version_detail: "Debian GNU/Linux 13 (trixie)",
    public_endpoint: "192.0.2.1:41641",
    connectivity: { ipv6: false, udp: true, preferred_derp: "blr1", firewall_mode: "nftables" },
    derp_latencies: { blr1: 12.5 },
  } as const;
  const revOf = (org: Org) =>
    runInDurableObject(
      orgStub(org.orgId),
      (_, state) => state.storage.sql.exec<{ rev: number }>("SELECT rev FROM org").one().rev,
    );

  it("is kept and listed", async () => {
    const { org, a } = await pair();
    await beat(a.node_key, telemetry);
    const { connectivity: client_connectivity, ...rest } = telemetry;
    expect(await listed(org, a.machine_id)).toMatchObject({ ...rest, client_connectivity });
  });

  it("that only wobbles writes no row, whoever beats how often", async () => {
    const { org, a } = await pair();
    await beat(a.node_key, telemetry);
    const rev = await revOf(org);
    await runInDurableObject(orgStub(org.orgId), (_, { storage: { sql } }) => {
      sql.exec("CREATE TABLE written (what TEXT)");
      for (const table of ["machines", "org", "chores"]) {
        const note = `INSERT INTO written VALUES ('${table}')`;
        sql.exec(`CREATE TRIGGER watch_${table} AFTER UPDATE ON ${table} BEGIN ${note}; END`);
      }
    });
    for (const blr1 of [13, 9.5, 18, 12.5]) await beat(a.node_key, { ...telemetry, derp_latencies: { blr1 } });
    const written = await runInDurableObject(
      orgStub(org.orgId),
      (_, state) => state.storage.sql.exec("SELECT what FROM written").toArray(),
    );
    expect(written).toEqual([]);
    expect(await revOf(org)).toBe(rev);
    await beat(a.node_key, { ...telemetry, derp_latencies: { blr1: 60 } });
    expect((await listed(org, a.machine_id))?.derp_latencies).toEqual({ blr1: 60 });
  });

  it("is refused with INVALID_INPUT when it is mistyped", async () => {
    const { a } = await pair();
    const answer = await selfFetch(`${base}/api/machine-heartbeat`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ node_key: a.node_key, derp_latencies: { blr1: "fast" } }),
    });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ error: { code: "INVALID_INPUT" } });
  });
});
