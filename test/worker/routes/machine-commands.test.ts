import { runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import type { AgentCommand, CommandResult } from "#protocol/api/agent-commands.ts";
import { call } from "#protocol/api/call.ts";
import { machineHeartbeat } from "#protocol/api/machines.ts";
import { Stream } from "../org/inbox.ts";
import { inStorage } from "../org/members.ts";
import { makeKey, newMachine, newOrg, type Org, orgStub } from "../org/support.ts";
import { base, post, selfFetch } from "../support/api.ts";

async function orgWith(...names: string[]) {
  const org = await newOrg();
  const { key } = await makeKey(org);
  const machines: Awaited<ReturnType<typeof newMachine>>[] = [];
  for (const name of names) machines.push(await newMachine(key, name));
  return { org, key, machines, machine: machines[0]! };
}

async function act(org: Org, action: string, machine_id: string, more: object = {}, token = org.token) {
  const body = { action, org_id: org.orgId, machine_id, ...more };
  const { status, envelope } = await post("/api/machine-admin", body, { authorization: `Bearer ${token}` });
  return { status, data: envelope.data, code: envelope.error?.code, message: envelope.error?.message };
}

const lock = (org: Org, id: string) => act(org, "lock_device", id);
const wipe = (org: Org, id: string, confirm: unknown = `WIPE-${id}`) => act(org, "wipe_device", id, { confirm });

async function beat(node_key: string, command_results: CommandResult[] = []): Promise<AgentCommand[]> {
  return (await call(selfFetch, base, machineHeartbeat, { node_key, command_results })).agent_commands;
}

const done = ({ id }: AgentCommand, said = "done"): CommandResult => ({ id, done: true, said });

/** The records of what admins ordered and agents said, oldest first. */
async function records({ orgId }: Org) {
  return await runInDurableObject(
    orgStub(orgId),
    (_, { storage }) =>
      storage.sql.exec<{ action: string; details: string }>(
        "SELECT action, details FROM audit_outbox WHERE action GLOB 'machine.*lock*' OR action GLOB 'machine.wipe*' ORDER BY rev",
      ).toArray().map(({ action, details }) => [action, JSON.parse(details)]),
  );
}

describe("POST /api/machine-admin lock_device", () => {
  it("reaches an agent that is connected at once, is acknowledged once, and never comes again", async () => {
    const { org, machine: { machine_id, node_key, publicKey } } = await orgWith("host");
    const { stream } = await Stream.joined(node_key, publicKey);
    expect((await lock(org, machine_id)).data).toEqual({ machine_id, command: "lock_device" });
    const { commands } = await stream.takeNext("commands");
    expect(commands).toEqual([{ id: expect.any(String), command: "lock_device" }]);
    for (let times = 0; times < 2; times++) stream.send({ type: "command_done", result: done(commands[0]!) });
    stream.send({ type: "map_wanted" });
    await stream.takeNext("map");
    expect(await beat(node_key)).toEqual([]);
    const again = await Stream.joined(node_key, publicKey);
    again.stream.send({ type: "map_wanted" });
    expect((await again.stream.take()).type).toBe("map");
    expect(await records(org)).toEqual([
      ["machine.lock_requested", { name: "host" }],
      ["machine.locked", { name: "host", said: "done" }],
    ]);
  });

  it("waits for an agent that is away, with its return by stream or by POST /api/machine-heartbeat", async () => {
    const { org, machines: [byStream, byBeat] } = await orgWith("by-stream", "by-beat");
    for (const { machine_id } of [byStream!, byBeat!]) await lock(org, machine_id);
    const stream = await Stream.open(byStream!.node_key);
    stream.hello(byStream!.publicKey);
    expect((await stream.takeNext("commands")).commands).toMatchObject([{ command: "lock_device" }]);
    const [command] = await beat(byBeat!.node_key);
    expect(command).toMatchObject({ command: "lock_device" });
    expect(await beat(byBeat!.node_key)).toEqual([command]);
    expect(await beat(byBeat!.node_key, [done(command!)])).toEqual([]);
    expect(await beat(byBeat!.node_key)).toEqual([]);
  });

  it("comes again with the next stream when the acknowledgement was lost", async () => {
    const { org, machine: { machine_id, node_key, publicKey } } = await orgWith("host");
    const first = await Stream.joined(node_key, publicKey);
    await lock(org, machine_id);
    const { commands } = await first.stream.takeNext("commands");
    first.stream.socket.close();
    const second = await Stream.open(node_key);
    second.hello(publicKey);
    expect((await second.takeNext("commands")).commands).toEqual(commands);
  });

  it("asked for twice before it is done is one command and one record; afterwards it is a new one", async () => {
    const { org, machine: { machine_id, node_key } } = await orgWith("host");
    for (let times = 0; times < 2; times++) expect((await lock(org, machine_id)).status).toBe(200);
    const commands = await beat(node_key);
    expect(commands).toHaveLength(1);
    await beat(node_key, [done(commands[0]!)]);
    await lock(org, machine_id);
    expect((await beat(node_key))[0]!.id).not.toBe(commands[0]!.id);
    expect((await records(org)).map(([action]) => action)).toEqual([
      "machine.lock_requested",
      "machine.locked",
      "machine.lock_requested",
    ]);
  });

  it("that an agent could not do stands in the record with its reason", async () => {
    const { org, machine: { machine_id, node_key } } = await orgWith("host");
    await lock(org, machine_id);
    const [command] = await beat(node_key);
    await beat(node_key, [{ id: command!.id, done: false, said: "This system has no loginctl" }]);
    expect((await records(org)).at(-1)).toEqual([
      "machine.lock_failed",
      { name: "host", said: "This system has no loginctl" },
    ]);
  });
});

describe("POST /api/machine-admin wipe_device", () => {
  it("with confirm WIPE-<machine_id> reaches the agent, also in quarantine, and is recorded", async () => {
    const { org, machine: { machine_id, node_key, publicKey } } = await orgWith("lost");
    await act(org, "quarantine", machine_id);
    const stream = await Stream.open(node_key);
    stream.hello(publicKey);
    await stream.takeNext("token");
    expect((await wipe(org, machine_id)).data).toEqual({ machine_id, command: "wipe_device" });
    const { commands: [command] } = await stream.takeNext("commands");
    stream.send({ type: "command_done", result: done(command!, "Its keys are removed") });
    stream.send({ type: "bye" });
    expect(await stream.take()).toEqual({ type: "bye_heard" });
    expect(await records(org)).toEqual([
      ["machine.wipe_requested", { name: "lost" }],
      ["machine.wiped", { name: "lost", said: "Its keys are removed" }],
    ]);
  });

  it("without confirm is MISSING_FIELDS, with another or a mistyped one INVALID_INPUT, and nothing is ordered", async () => {
    const { org, machines: [host, other] } = await orgWith("host", "other");
    const id = host!.machine_id;
    expect(await act(org, "wipe_device", id)).toMatchObject({ status: 400, code: "MISSING_FIELDS" });
    for (const confirm of ["", "wipe", id, `wipe-${id}`, `WIPE-${other!.machine_id}`, `WIPE-${id} `, 7, true]) {
      expect(await wipe(org, id, confirm)).toMatchObject({ status: 400, code: "INVALID_INPUT" });
    }
    expect((await wipe(org, id, "yes")).message).toBe(`confirm must be WIPE-${id}`);
    expect(await beat(host!.node_key)).toEqual([]);
    expect(await records(org)).toEqual([]);
  });

  it("does not wipe another device that has taken the machine's name and place", async () => {
    const { org, key, machine: lost } = await orgWith("laptop");
    await wipe(org, lost.machine_id);
    await inStorage(org.orgId, "UPDATE machines SET status = 'offline'");
    const next = await newMachine(key, "laptop");
    expect(next.machine_id).toBe(lost.machine_id);
    expect(await beat(next.node_key)).toEqual([]);
    await lock(org, next.machine_id);
    expect(await beat(next.node_key)).toMatchObject([{ command: "lock_device" }]);
  });

  it("is forgotten with the machine", async () => {
    const { org, machine: { machine_id } } = await orgWith("host");
    await wipe(org, machine_id);
    await act(org, "delete", machine_id);
    const left = await runInDurableObject(
      orgStub(org.orgId),
      (_, { storage }) => storage.sql.exec("SELECT id FROM agent_commands").toArray(),
    );
    expect(left).toEqual([]);
  });
});

describe("an acknowledgement", () => {
  it("of another machine's command counts for nothing", async () => {
    const { org, machines: [a, b] } = await orgWith("a", "b");
    await lock(org, a!.machine_id);
    const [command] = await beat(a!.node_key);
    await beat(b!.node_key, [done(command!)]);
    expect(await beat(a!.node_key)).toEqual([command]);
    expect((await records(org)).map(([action]) => action)).toEqual(["machine.lock_requested"]);
  });
});

describe("POST /api/machine-admin lock_device and wipe_device", () => {
  it("are UNAUTHORIZED or FORBIDDEN for machines, which cannot order themselves or others", async () => {
    const { org, machines: [a, b] } = await orgWith("a", "b");
    for (const { machine_id } of [a!, b!]) {
      const codes = [
        (await act(org, "lock_device", machine_id, {}, a!.token)).code,
        (await act(org, "wipe_device", machine_id, { confirm: `WIPE-${machine_id}` }, a!.token)).code,
      ];
      for (const code of codes) expect(["UNAUTHORIZED", "FORBIDDEN"]).toContain(code);
    }
    expect(await records(org)).toEqual([]);
  });
});
