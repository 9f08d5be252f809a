import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { Stream } from "./inbox.ts";
import { inStorage } from "./members.ts";
import { enrol, makeKey, newMachine, newOrg, type Org, orgStub } from "./support.ts";
import { watch } from "./watcher.ts";

const DAY_MS = 86_400_000;

async function orgOfTwo(options: { ephemeral?: boolean } = {}) {
  const org = await newOrg();
  const { key } = await makeKey(org, options);
  const [a, b] = [await newMachine(key, "a"), await newMachine(key, "b")];
  const { stream } = await Stream.joined(a.node_key, a.publicKey);
  const other = await Stream.joined(b.node_key, b.publicKey);
  return { org, key, a, b, stream, other: other.stream };
}

/** Rings the alarm for all that is left to do after the last changes. */
async function settle({ orgId }: Org): Promise<void> {
  for (let times = 0; times < 6; times++) await runDurableObjectAlarm(orgStub(orgId));
}

/** Nothing was heard over the machine's stream for so long, as when its cable was pulled; the object has slept since. */
async function silence({ orgId }: Org, machineId: string, seconds = 181): Promise<void> {
  const heardAt = Date.now() - seconds * 1000;
  await runInDurableObject(orgStub(orgId), (_, state) => {
    for (const socket of state.getWebSockets(`machine ${machineId}`)) {
      socket.serializeAttachment({ ...socket.deserializeAttachment() as object, heardAt });
    }
    state.storage.sql.exec("UPDATE machines SET last_seen = ? WHERE id = ?", heardAt, machineId);
  });
  await evictDurableObject(orgStub(orgId));
}

async function statusOf({ orgId }: Org, machineId: string): Promise<string | undefined> {
  const listed = await orgStub(orgId).listMachines();
  return listed.ok ? listed.value.find(({ id }) => id === machineId)?.status : undefined;
}

const alarmOf = ({ orgId }: Org) => runInDurableObject(orgStub(orgId), (_, { storage }) => storage.getAlarm());

const rowsOf = ({ orgId }: Org) =>
  runInDurableObject(
    orgStub(orgId),
    (_, { storage: { sql } }) =>
      ["org", "machines", "chores", "auth_keys", "audit_outbox"].map((table) =>
        sql.exec(`SELECT * FROM ${table}`).toArray()
      ),
  );

describe("an org whose machines all hold streams", () => {
  it("sleeps: an hour rings no alarm and writes no row, keep-alives or not", async () => {
    const { org, stream, other } = await orgOfTwo();
    await settle(org);
    const rows = await rowsOf(org);
    for (const { socket } of [stream, other]) socket.send("ping");
    expect([await stream.take(), await other.take()]).toEqual([undefined, undefined]);
    expect(await alarmOf(org)).toBeGreaterThan(Date.now() + DAY_MS);
    expect(await rowsOf(org)).toEqual(rows);
    await statusOf(org, "nobody");
    expect(await rowsOf(org)).toEqual(rows);
  });

  it("keeps an alarm for a machine that comes without a stream", async () => {
    const { org, key } = await orgOfTwo();
    await settle(org);
    const { machine_id } = await enrol(key, "c");
    await runDurableObjectAlarm(orgStub(org.orgId));
    expect(await alarmOf(org)).toBeLessThan(Date.now() + 181_000);
    await inStorage(org.orgId, "UPDATE machines SET last_seen = 0 WHERE id = ?", machine_id);
    await runDurableObjectAlarm(orgStub(org.orgId));
    expect(await statusOf(org, machine_id)).toBe("offline");
  });
});

describe("a machine whose stream has gone silent", () => {
  it("is offline to whoever asks, with an audit record, and its peers hear of it", async () => {
    const { org, b, stream } = await orgOfTwo();
    await settle(org);
    await silence(org, b.machine_id);
    expect(await statusOf(org, b.machine_id)).toBe("offline");
    expect(await stream.takeDelta()).toMatchObject({ upsert: [{ id: b.machine_id, online: false }] });
    const audits = await orgStub(org.orgId).listPendingAudits();
    expect(audits).toMatchObject({
      value: [{
        action: "machine.marked_offline",
        resource_id: b.machine_id,
        details: { name: "b", reason: "heartbeat_timeout" },
      }],
    });
  });

  it("is not yet when it has been silent for less than three minutes", async () => {
    const { org, b } = await orgOfTwo();
    await silence(org, b.machine_id, 170);
    expect(await statusOf(org, b.machine_id)).toBe("online");
  });

  it("is found for a peer that misses it", async () => {
    const { org, b, stream } = await orgOfTwo();
    await silence(org, b.machine_id);
    stream.send({ type: "look_wanted" });
    expect(await stream.takeDelta()).toMatchObject({ upsert: [{ id: b.machine_id, online: false }] });
  });

  it("is there after all when it speaks", async () => {
    const { org, b, other } = await orgOfTwo();
    await silence(org, b.machine_id);
    other.send({ type: "map_wanted" });
    await other.takeNext("map");
    expect(await statusOf(org, b.machine_id)).toBe("online");
  });

  it("is found by the alarm while a dashboard listens, and only then", async () => {
    const { org, b } = await orgOfTwo();
    await settle(org);
    const dashboard = await watch(org, ["machines"]);
    expect(await alarmOf(org)).toBeLessThan(Date.now() + 181_000);
    await silence(org, b.machine_id);
    await inStorage(org.orgId, "UPDATE chores SET due_at = 0 WHERE name = 'find_silent'");
    await runDurableObjectAlarm(orgStub(org.orgId));
    expect(await dashboard.take()).toMatchObject({
      channel: "machines",
      event: "UPDATE",
      payload: { id: b.machine_id, status: "offline" },
    });
    dashboard.socket.close(1000, "gone");
    await settle(org);
    await settle(org);
    expect(await alarmOf(org)).toBeGreaterThan(Date.now() + DAY_MS);
  });

  it("frees its place in the quota when it is ephemeral, by the time the next one registers", async () => {
    const { org, key, b } = await orgOfTwo({ ephemeral: true });
    await inStorage(org.orgId, "UPDATE org SET machine_quota = 2");
    await silence(org, b.machine_id);
    expect((await enrol(key, "c")).status).toBe("online");
    expect(await statusOf(org, b.machine_id)).toBeUndefined();
  });
});

describe("machines whose streams were lost with their object", () => {
  it("get the time to come back, and are offline when they have not", async () => {
    const { org, a, b } = await orgOfTwo();
    await settle(org);
    await runInDurableObject(orgStub(org.orgId), (_, state) => {
      for (const socket of state.getWebSockets("control")) socket.serializeAttachment(null);
      state.storage.sql.exec("UPDATE machines SET last_seen = last_seen - 3600000");
    });
    await evictDurableObject(orgStub(org.orgId));
    const back = await Stream.joined(a.node_key, a.publicKey);
    expect(back.map.peers).toMatchObject([{ id: b.machine_id, online: true }]);
    expect(await alarmOf(org)).toBeLessThan(Date.now() + 181_000);
    await settle(org);
    expect(await statusOf(org, a.machine_id)).toBe("online");
    expect(await statusOf(org, b.machine_id)).toBe("offline");
  });
});
