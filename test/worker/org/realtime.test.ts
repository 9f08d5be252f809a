import { env, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import type { RealtimeServerMessage } from "#protocol/realtime.ts";
import { signUpSomeone } from "../support/api.ts";
import { Inbox, upgrade } from "./inbox.ts";
import { enrol, makeKey, newOrg, type Org, orgStub } from "./support.ts";

const path = (orgId: string) => `/api/realtime?org_id=${orgId}`;

async function watch(org: Org, channels: string[], token = org.token): Promise<Inbox<RealtimeServerMessage>> {
  const response = await upgrade(path(org.orgId), { "sec-websocket-protocol": `access_token.${token}` });
  expect(response.headers.get("sec-websocket-protocol")).toBe(`access_token.${token}`);
  const inbox = new Inbox(response.webSocket!, (text) => JSON.parse(text) as RealtimeServerMessage);
  expect(await inbox.take()).toMatchObject({ type: "connected" });
  inbox.send({ type: "subscribe", channels });
  expect((await inbox.take()).type).toBe("subscribed");
  return inbox;
}

async function join(org: Org, role: string): Promise<string> {
  const { token, user } = await signUpSomeone();
  await env.DB.prepare("INSERT INTO org_members (org_id, user_id, role, created_at) VALUES (?, ?, ?, 0)")
    .bind(org.orgId, user.id, role).run();
  return token;
}

describe("a live socket", () => {
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

  it("hears nothing of another org and nothing it did not subscribe to", async () => {
    const [mine, theirs] = [await newOrg(), await newOrg()];
    const inbox = await watch(mine, ["audit"]);
    await enrol((await makeKey(theirs)).key, "host");
    await makeKey(mine);
    inbox.send({ type: "ping" });
    expect(await inbox.take()).toMatchObject({ channel: "audit", payload: { action: "auth_key.created" } });
    expect(await inbox.take()).toEqual({ type: "pong" });
  });

  it("of a member hears no keys and no audit records", async () => {
    const org = await newOrg();
    const inbox = await watch(org, ["machines", "keys", "audit"], await join(org, "member"));
    const { key } = await makeKey(org);
    await enrol(key, "host");
    expect(await inbox.take()).toMatchObject({ channel: "machines", event: "INSERT" });
    inbox.send({ type: "ping" });
    expect(await inbox.take()).toEqual({ type: "pong" });
  });

  it("is refused to strangers, without a token and without an org", async () => {
    const org = await newOrg();
    const { token } = await signUpSomeone();
    const status = async (path: string, headers: Record<string, string>) => (await upgrade(path, headers)).status;
    expect(await status(path(org.orgId), { "sec-websocket-protocol": `access_token.${token}` })).toBe(403);
    expect(await status(path(org.orgId), {})).toBe(401);
    expect(await status(path(org.orgId), { "sec-websocket-protocol": "access_token.x" })).toBe(401);
    expect(await status(`/api/realtime?token=${org.token}`, {})).toBe(400);
    expect(await status(`${path(org.orgId)}&token=${org.token}`, {})).toBe(101);
  });

  it("does not mind what is not of the protocol", async () => {
    const inbox = await watch(await newOrg(), ["machines"]);
    for (const text of ["{", "null", '{"type":"subscribe","channels":["nonsense"]}', "x".repeat(10_000)]) {
      inbox.socket.send(text);
    }
    inbox.send({ type: "ping" });
    expect(await inbox.take()).toEqual({ type: "pong" });
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
