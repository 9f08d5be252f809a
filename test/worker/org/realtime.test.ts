import { env, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { CLOSE_MEMBERSHIP, realtimeChannels, type RealtimeServerMessage } from "#protocol/realtime.ts";
import { call } from "#protocol/api/call.ts";
import { machineHeartbeat } from "#protocol/api/machines.ts";
import type { UserId } from "#protocol/ids.ts";
import { base, selfFetch, signUpSomeone } from "../support/api.ts";
import { upgrade } from "./inbox.ts";
import { inStorage } from "./members.ts";
import { enrol, makeKey, newOrg, type Org, orgStub } from "./support.ts";
import { Dashboard, realtimePath, watch } from "./watcher.ts";

/** `<channel> <event>` of each. */
function events(messages: readonly RealtimeServerMessage[]): string[] {
  return messages.map((message) => message.type === "event" ? `${message.channel} ${message.event}` : message.type);
}

async function join(org: Org, role: string) {
  const { token, user } = await signUpSomeone();
  await env.DB.prepare("INSERT INTO org_members (org_id, user_id, role, created_at) VALUES (?, ?, ?, 0)")
    .bind(org.orgId, user.id, role).run();
  return { token, userId: user.id };
}

describe("GET /api/realtime", () => {
  it("brings machines, keys and audit records as lists show them", async () => {
    const org = await newOrg();
    const { key, id } = await makeKey(org);
    const inbox = await watch(org, ["machines", "keys", "audit"]);
    const machine = await enrol(key, "host");
    expect(await inbox.take()).toMatchObject({
      type: "event",
      channel: "machines",
      event: "INSERT",
      payload: { id: machine.machine_id, name: "host", status: "online", tailnet_ip: "100.64.0.1" },
    });
    expect(await inbox.take()).toMatchObject({ channel: "keys", event: "UPDATE", payload: { id, used_count: 1 } });
    expect(await inbox.take()).toMatchObject({ channel: "audit", payload: { action: "machine.registered" } });
    await orgStub(org.orgId).revokeAuthKey(id, null as never);
    expect(await inbox.take()).toMatchObject({
      channel: "machines",
      event: "UPDATE",
      payload: { status: "quarantined" },
    });
    inbox.send({ type: "ping" });
    expect(await inbox.take()).toMatchObject({ channel: "keys", payload: { revoked: true } });
    expect(await inbox.take()).toMatchObject({ channel: "audit", payload: { action: "auth_key.revoked" } });
    expect(await inbox.take()).toEqual({ type: "pong" });
  });

  it.each(["member", "auditor"])("in the role %s hears no keys", async (role) => {
    const org = await newOrg();
    const inbox = await watch(org, ["machines", "keys"], (await join(org, role)).token);
    const { key } = await makeKey(org);
    await enrol(key, "host");
    expect(await inbox.take()).toMatchObject({ channel: "machines", event: "INSERT" });
    expect(await inbox.untilPong()).toEqual([]);
  });

  it("is greeted with what it may hear, and a second subscription adds to the first", async () => {
    const org = await newOrg();
    const response = await upgrade(`${realtimePath(org.orgId)}&token=${org.token}`, {});
    const inbox = new Dashboard(response.webSocket!);
    const greeting = await inbox.take();
    expect(greeting).toMatchObject({ type: "connected", availableChannels: realtimeChannels });
    expect(greeting.type === "connected" && greeting.clientId).toMatch(/^[0-9a-f-]{36}$/);
    await makeKey(org);
    inbox.send({ type: "subscribe", channels: ["audit"] });
    expect(await inbox.take()).toEqual({ type: "subscribed", channels: ["audit"] });
    inbox.send({ type: "subscribe", channels: ["keys"] });
    expect(await inbox.take()).toEqual({ type: "subscribed", channels: ["audit", "keys"] });
    await makeKey(org);
    expect(events(await inbox.untilPong())).toEqual(["keys INSERT", "audit INSERT"]);
  });

  it("hears of a machine when its state, name, tags or flags change, not at each heartbeat", async () => {
    const org = await newOrg();
    const { key } = await makeKey(org);
    const { node_key, machine_id } = await enrol(key, "host");
    const inbox = await watch(org, ["machines"]);
    const beat = (more: object) => call(selfFetch, base, machineHeartbeat, { node_key, ...more });
    await beat({});
    await beat({ endpoints: ["192.0.2.1:41641"], version: "9.9.9", relay_region: "blr1" });
    expect(await inbox.untilPong()).toEqual([]);
    await beat({ status: "offline" });
    const actor = { userId: crypto.randomUUID() as UserId, isAdmin: true };
    const admin = orgStub(org.orgId);
    await admin.administerMachine(machine_id, { do: "rename", name: "other" }, actor);
    await admin.administerMachine(machine_id, { do: "update_tags", tags: ["web"] }, actor);
    await admin.administerMachine(machine_id, { do: "update_flags", flags: { shields_up: true } }, actor);
    await admin.administerMachine(machine_id, { do: "disable", details: {} }, actor);
    await admin.deleteMachine(machine_id, actor);
    const heard = await inbox.untilPong();
    expect(events(heard)).toEqual([...Array(5).fill("machines UPDATE"), "machines DELETE"]);
    expect(heard.map((event) => event.type === "event" && event.payload)).toMatchObject([
      { status: "offline", name: "host" },
      { name: "other" },
      { tags: ["web"] },
      { shields_up: true },
      { admin_disabled: true },
      { id: machine_id },
    ]);
  });

  it("hears that the node key of a machine which is away has ended", async () => {
    const org = await newOrg();
    const { key } = await makeKey(org);
    const { node_key, machine_id } = await enrol(key, "host");
    await call(selfFetch, base, machineHeartbeat, { node_key, status: "offline" });
    const inbox = await watch(org, ["machines"]);
    await inStorage(org.orgId, "UPDATE machines SET key_created_at = 0");
    await orgStub(org.orgId).sweep();
    expect(await inbox.take()).toMatchObject({
      event: "UPDATE",
      payload: { id: machine_id, status: "offline", key_expired: true },
    });
  });

  it("is refused to strangers, without a token and without an org", async () => {
    const org = await newOrg();
    const { token } = await signUpSomeone();
    const status = async (path: string, headers: Record<string, string>) => (await upgrade(path, headers)).status;
    expect(await status(realtimePath(org.orgId), { "sec-websocket-protocol": `access_token.${token}` })).toBe(403);
    expect(await status(realtimePath(org.orgId), {})).toBe(401);
    expect(await status(realtimePath(org.orgId), { "sec-websocket-protocol": "access_token.x" })).toBe(401);
    expect(await status(`/api/realtime?token=${org.token}`, {})).toBe(400);
    expect(await status(`${realtimePath(org.orgId)}&token=${org.token}`, {})).toBe(101);
  });

  it("does not mind what is not of the protocol", async () => {
    const inbox = await watch(await newOrg(), ["machines"]);
    for (const text of ["{", "null", '{"type":"subscribe","channels":["nonsense"]}', '{"type":"broadcast"}']) {
      inbox.socket.send(text);
    }
    expect(await inbox.untilPong()).toEqual([]);
  });

  it("is closed when it was silent for too long", async () => {
    const org = await newOrg();
    const inbox = await watch(org, ["machines"]);
    await runInDurableObject(orgStub(org.orgId), (_, state) => {
      for (const socket of state.getWebSockets("realtime")) {
        const attachment = socket.deserializeAttachment() as { heardAt: number };
        socket.serializeAttachment({ ...attachment, heardAt: attachment.heardAt - 91_000 });
      }
    });
    await runDurableObjectAlarm(orgStub(org.orgId));
    expect(await inbox.closed).toEqual({ code: 4000, reason: "idle" });
  });
});

describe("GET /api/realtime limits", () => {
  it("admits 200 sockets in an org, refuses one more with RATE_LIMITED, and has room when one leaves", async () => {
    const org = await newOrg();
    const open = async () => (await upgrade(`${realtimePath(org.orgId)}&token=${org.token}`, {}));
    const first = new Dashboard((await open()).webSocket!);
    const fill = () =>
      orgStub(org.orgId).fetch(`https://org${realtimePath(org.orgId)}`, { headers: { upgrade: "websocket" } });
    const filled = await Promise.all(Array.from({ length: 199 }, fill));
    for (const { webSocket } of filled) webSocket!.accept();
    const refused = await open();
    expect(refused.status).toBe(429);
    expect(await refused.json()).toMatchObject({ error: { code: "RATE_LIMITED" } });
    const other = await newOrg();
    expect((await upgrade(`${realtimePath(other.orgId)}&token=${other.token}`, {})).status).toBe(101);
    first.socket.close(1000);
    await first.closed;
    expect((await open()).status).toBe(101);
  });

  it("carries ten broadcasts a minute of each client to the others on general, and refuses more", async () => {
    const org = await newOrg();
    const [speaker, listener, elsewhere] = [
      await watch(org, ["general"]),
      await watch(org, ["general"]),
      await watch(org, ["machines"]),
    ];
    for (let i = 1; i <= 11; i++) speaker.send({ type: "broadcast", channel: "general", payload: { word: i } });
    const answers = await speaker.untilPong();
    expect(answers).toMatchObject([{ type: "error", code: "RATE_LIMITED" }]);
    const heard = await listener.untilPong();
    expect(heard.every((event) => event.type === "event" && typeof event.payload["from"] === "string")).toBe(true);
    expect(heard.map((event) => event.type === "event" && event.payload["message"])).toEqual(
      Array.from({ length: 10 }, (_, i) => ({ word: i + 1 })),
    );
    expect(await elsewhere.untilPong()).toEqual([]);
    listener.send({ type: "broadcast", channel: "general", payload: { word: "mine" } });
    await listener.untilPong();
    expect(events(await speaker.untilPong())).toEqual(["general INSERT"]);
    await runInDurableObject(orgStub(org.orgId), (_, state) => {
      for (const socket of state.getWebSockets("realtime")) {
        const attachment = socket.deserializeAttachment() as { broadcasts: object };
        socket.serializeAttachment({
          ...attachment,
          broadcasts: { ...attachment.broadcasts, windowEndsAt: Date.now() },
        });
      }
    });
    speaker.send({ type: "broadcast", channel: "general", payload: {} });
    expect(await speaker.untilPong()).toEqual([]);
  });

  it("carries no broadcast on a channel of rows", async () => {
    const org = await newOrg();
    const [speaker, listener] = [await watch(org, ["machines"]), await watch(org, ["machines", "audit"])];
    for (const channel of ["machines", "audit"]) speaker.send({ type: "broadcast", channel, payload: { id: "x" } });
    await speaker.untilPong();
    expect(await listener.untilPong()).toEqual([]);
  });

  it("refuses a message of more than 4 KB with PAYLOAD_TOO_LARGE, counted in bytes", async () => {
    const inbox = await watch(await newOrg(), ["general"]);
    const empty = JSON.stringify({ type: "broadcast", channel: "general", payload: { word: "" } });
    const filled = (word: string) => empty.replace('""', JSON.stringify(word));
    inbox.socket.send(filled("x".repeat(4096 - empty.length)));
    expect(await inbox.untilPong()).toEqual([]);
    for (const text of [filled("x".repeat(4097 - empty.length)), filled("ü".repeat(2048)), "x".repeat(100_000)]) {
      inbox.socket.send(text);
      expect(await inbox.untilPong()).toMatchObject([{ type: "error", code: "PAYLOAD_TOO_LARGE" }]);
    }
  });
});

describe("what the Worker announces", () => {
  it("reaches the org's own dashboards on its channel", async () => {
    const [org, other] = [await newOrg(), await newOrg()];
    const [inbox, elsewhere, foreign] = [
      await watch(org, ["members"]),
      await watch(org, ["machines"]),
      await watch(other, realtimeChannels),
    ];
    const row = { id: "1", role: "member" };
    expect(await orgStub(org.orgId).announce("members", "INSERT", row)).toEqual({ ok: true, value: null });
    expect(await inbox.take()).toMatchObject({ type: "event", channel: "members", event: "INSERT", payload: row });
    expect(await elsewhere.untilPong()).toEqual([]);
    expect(await foreign.untilPong()).toEqual([]);
  });

  it.each(["UPDATE", "DELETE"] as const)(
    "closes the sockets of a member whose row says %s, and of nobody else",
    async (event) => {
      const org = await newOrg();
      const { token, userId } = await join(org, "admin");
      const [admin, second, owner] = [
        await watch(org, ["members"], token),
        await watch(org, ["machines"], token),
        await watch(org, ["members"]),
      ];
      await orgStub(org.orgId).announce("members", event, { user_id: userId, role: "member" });
      expect(events([await admin.take()])).toEqual([`members ${event}`]);
      expect((await admin.closed).code).toBe(CLOSE_MEMBERSHIP);
      expect((await second.closed).code).toBe(CLOSE_MEMBERSHIP);
      expect(events(await owner.untilPong())).toEqual([`members ${event}`]);
    },
  );

  it("finds no org that was never founded", async () => {
    const nobody = env.ORG.getByName("eeeeeeeeeeeeeeee");
    expect(await nobody.announce("members", "INSERT", {})).toMatchObject({ ok: false, code: "NOT_FOUND" });
  });
});

describe("org isolation of GET /api/realtime", () => {
  it("lets subscribers of two orgs hear every change of their own and nothing of the other's", async () => {
    const [mine, theirs] = [await newOrg(), await newOrg()];
    const [own, foreign] = [await watch(mine, realtimeChannels), await watch(theirs, realtimeChannels)];
    const actor = { userId: crypto.randomUUID() as UserId, isAdmin: true };
    const everything = async (org: Org) => {
      const object = orgStub(org.orgId);
      const { key, id } = await makeKey(org);
      const { machine_id, node_key } = await enrol(key, "host");
      const other = await enrol(key, "gone");
      await call(selfFetch, base, machineHeartbeat, { node_key, status: "offline" });
      await object.administerMachine(machine_id, { do: "rename", name: "renamed" }, actor);
      await object.administerMachine(machine_id, { do: "update_tags", tags: ["web"] }, actor);
      for (const action of ["disable", "enable", "quarantine", "unquarantine"] as const) {
        await object.administerMachine(machine_id, { do: action, details: {} }, actor);
      }
      await object.deleteMachine(other.machine_id, actor);
      await object.revokeAuthKey(id, actor.userId);
      await object.updateSettings({ allow_exit_nodes: true }, actor.userId);
      await object.announce("members", "INSERT", { org_id: org.orgId });
    };
    await everything(mine);
    const heard = await own.untilPong();
    expect(await foreign.untilPong()).toEqual([]);
    await everything(theirs);
    expect(await own.untilPong()).toEqual([]);
    expect(events(await foreign.untilPong())).toEqual(events(heard));
    expect(new Set(heard.map((event) => event.type === "event" && event.payload["org_id"]))).toEqual(
      new Set([mine.orgId]),
    );
    expect(new Set(events(heard))).toEqual(
      new Set([
        "keys INSERT",
        "keys UPDATE",
        "machines INSERT",
        "machines UPDATE",
        "machines DELETE",
        "audit INSERT",
        "general UPDATE",
        "members INSERT",
      ]),
    );
  });
});
