import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import fc from "fast-check";
import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { call } from "#protocol/api/call.ts";
import { machineHeartbeat } from "#protocol/api/machines.ts";
import type { MachineId, UserId } from "#protocol/ids.ts";
import { type NetMap, netMapSchema } from "#protocol/netmap.ts";
import type { MachineCommand } from "../../../durable-objects/org/machine-admin.ts";
import { base, selfFetch } from "../support/api.ts";
import { AgentSession } from "./agent-session.ts";
import { inStorage } from "./members.ts";
import { enrol, makeKey, newMachine, newOrg, orgStub } from "./support.ts";

const admin = { userId: crypto.randomUUID() as UserId, isAdmin: true };

/** An org with an agent that is up to date, and other machines. */
async function agentAmong(names: readonly string[]) {
  const org = await newOrg();
  const { key } = await makeKey(org);
  const machine = await newMachine(key, "self");
  const others: MachineId[] = [];
  for (const name of names) others.push((await enrol(key, name, { advertise_routes: ["10.1.0.0/24"] })).machine_id);
  const agent = new AgentSession(machine.node_key, machine.publicKey);
  await agent.connect();
  const stub = orgStub(org.orgId);
  const administer = (id: MachineId, command: MachineCommand) => stub.administerMachine(id, command, admin);
  return { org, key, stub, machine, others, agent, administer };
}

/** The whole map of the agent's machine as the control plane has it. */
async function truth({ machine: { node_key } }: { machine: { node_key: string } }): Promise<NetMap> {
  return v.parse(netMapSchema, await call(selfFetch, base, machineHeartbeat, { node_key }));
}

function sorted(map: NetMap): NetMap {
  return { ...map, peers: [...map.peers].sort((a, b) => (a.id < b.id ? -1 : 1)) };
}

describe("an agent that reconnects with the map it has", () => {
  it("hears of no peer when nothing has changed, and of what changes from then on", async () => {
    const world = await agentAmong(["a", "b"]);
    const { agent, administer, others: [a] } = world;
    agent.hangUp();
    const { type, bytes } = await agent.connect();
    expect(type).toBe("resumed");
    expect(bytes).toBeLessThan(1500);
    expect(agent.lastResumed).toMatchObject({ upsert: [], remove: [] });
    await administer(a!, { do: "rename", name: "renamed" });
    await agent.hear("delta");
    expect(sorted(agent.map)).toEqual(sorted(await truth(world)));
  });

  it("hears what it missed: the machines that changed, came and left", async () => {
    const world = await agentAmong(["a", "b", "c", "d"]);
    const { agent, administer, stub, key, others: [a, b, c] } = world;
    agent.hangUp();
    await administer(a!, { do: "rename", name: "renamed" });
    await administer(b!, { do: "quarantine", details: {} });
    await stub.deleteMachine(c!, admin);
    const { machine_id: e } = await enrol(key, "e");
    for (let times = 0; times < 3; times++) await runDurableObjectAlarm(stub);
    await evictDurableObject(stub);
    expect(await agent.connect()).toMatchObject({ type: "resumed" });
    expect(agent.lastResumed?.upsert.map(({ id }) => id).sort()).toEqual([a, e].sort());
    expect([...agent.lastResumed!.remove].sort()).toEqual([b, c].sort());
    expect(sorted(agent.map)).toEqual(sorted(await truth(world)));
  });

  it("resumes after a restart with the map in its file", async () => {
    const world = await agentAmong(["a"]);
    world.agent.hangUp();
    await world.administer(world.others[0]!, { do: "rename", name: "renamed" });
    const restarted = new AgentSession(world.machine.node_key, world.machine.publicKey, fromFile(world.agent.map));
    expect(await restarted.connect()).toMatchObject({ type: "resumed" });
    expect(sorted(restarted.map)).toEqual(sorted(await truth(world)));
  });

  it("gets the whole map when it sees otherwise than before, or the org has decided anew for all", async () => {
    const world = await agentAmong(["a"]);
    const { agent, administer, stub, machine } = world;
    agent.hangUp();
    await administer(machine.machine_id, { do: "quarantine", details: {} });
    expect(await agent.connect()).toMatchObject({ type: "map" });
    expect(agent.map.peers).toEqual([]);
    agent.hangUp();
    expect(await agent.connect()).toMatchObject({ type: "resumed" });
    agent.hangUp();
    await administer(machine.machine_id, { do: "unquarantine", details: {} });
    expect(await agent.connect()).toMatchObject({ type: "map" });
    agent.hangUp();
    await stub.updateSettings({ disable_offloads: true }, admin.userId);
    expect(await agent.connect()).toMatchObject({ type: "map" });
    expect(sorted(agent.map)).toEqual(sorted(await truth(world)));
  });

  it("gets the whole map when more was deleted meanwhile than the org remembers", async () => {
    const { org, agent, administer, stub, others: [a] } = await agentAmong(["a"]);
    agent.hangUp();
    await inStorage(
      org.orgId,
      `INSERT INTO deleted_machines WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1200)
        SELECT (SELECT rev FROM org) + i, 'gone ' || i FROM n`,
    );
    await inStorage(org.orgId, "UPDATE org SET rev = rev + 1200, seq = rev + 1200");
    await administer(a!, { do: "rename", name: "renamed" });
    for (let times = 0; times < 3; times++) await runDurableObjectAlarm(stub);
    await inStorage(org.orgId, "DELETE FROM deleted_machines");
    expect(await agent.connect()).toMatchObject({ type: "map" });
  });

  it("gets the whole map when it names one that never was", async () => {
    const { agent, machine } = await agentAmong([]);
    agent.hangUp();
    const stranger = new AgentSession(machine.node_key, machine.publicKey, { ...agent.map, seq: agent.map.seq + 1000 });
    expect(await stranger.connect()).toMatchObject({ type: "map" });
  });
});

/** What may happen while the agent is away; a number chooses the machine. */
const happening = fc.oneof(
  fc.record({
    what: fc.constantFrom(
      "rename",
      "quarantine",
      "unquarantine",
      "disable",
      "enable",
      "approve_routes",
      "delete",
    ),
    which: fc.nat(9),
  }),
  fc.record({
    what: fc.constantFrom("join", "accept", "decline", "settings", "rename org", "alarm", "evict"),
    which: fc.nat(1),
  }),
);
type Happening = typeof happening extends fc.Arbitrary<infer T> ? T : never;
type World = Awaited<ReturnType<typeof agentAmong>>;
let names = 0;

async function happen(world: World, { what, which }: Happening): Promise<unknown> {
  const { stub, key, machine, others, administer } = world;
  // The first is the agent's own.
  const all = [machine.machine_id, ...others];
  const target = all[which % all.length]!;
  switch (what) {
    case "rename":
      return await administer(target, { do: what, name: `name-${names++}` });
    case "quarantine":
    case "unquarantine":
    case "disable":
    case "enable":
      return await administer(target, { do: what, details: {} });
    case "approve_routes":
      return await administer(target, { do: what, routes: undefined });
    case "accept":
    case "decline":
      return await administer(machine.machine_id, { do: "update_flags", flags: { accept_routes: what === "accept" } });
    case "settings":
      return await stub.updateSettings({ allow_subnet_routing: which === 0 }, admin.userId);
    case "rename org":
      return await stub.rename(`org ${names++}`);
    case "alarm":
      return await runDurableObjectAlarm(stub);
    case "evict":
      // Only one that runs can be evicted.
      await runInDurableObject(stub, () => {});
      return await evictDurableObject(stub);
    case "join":
      return others.push((await enrol(key, `name-${names++}`, { advertise_routes: ["10.2.0.0/24"] })).machine_id);
    case "delete":
      if (target === machine.machine_id) return;
      others.splice(others.indexOf(target), 1);
      return await stub.deleteMachine(target, admin);
  }
}

function fromFile(map: NetMap): NetMap {
  return v.parse(netMapSchema, JSON.parse(JSON.stringify(map)));
}

describe("after any outage", () => {
  it("the agent's map equals the control plane's", async () => {
    const world = await agentAmong(["a", "b", "c"]);
    let { agent } = world;
    const types: string[] = [];
    const outages = fc.array(happening, { minLength: 0, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(outages, fc.boolean(), async (happenings, restarts) => {
        agent.hangUp();
        for (const one of happenings) await happen(world, one);
        if (restarts) agent = new AgentSession(world.machine.node_key, world.machine.publicKey, fromFile(agent.map));
        types.push((await agent.connect()).type);
        expect(sorted(agent.map)).toEqual(sorted(await truth(world)));
      }),
      { numRuns: 15, endOnFailure: true },
    );
    expect(new Set(types)).toEqual(new Set(["resumed", "map"]));
  });
});
