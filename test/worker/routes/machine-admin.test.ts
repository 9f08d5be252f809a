import { describe, expect, it } from "vitest";
import { call } from "#protocol/api/call.ts";
import { CLOSE_REFUSED } from "#protocol/control/messages.ts";
import { machineHeartbeat } from "#protocol/api/machines.ts";
import { listMachines } from "#protocol/api/tables.ts";
import { Stream } from "../org/inbox.ts";
import { enrol, makeKey, newInstallation, newOrg, type Org, outcome } from "../org/support.ts";
import { base, post, selfFetch, signUpSomeone } from "../support/api.ts";

async function orgWith(...names: string[]) {
  const org = await newOrg();
  const { key } = await makeKey(org);
  const machines = [];
  for (const name of names) {
    const installation = await newInstallation();
    const machine = await enrol(key, name, await installation.proof(key, name));
    machines.push({ ...machine, publicKey: installation.wireguardPublicKey });
  }
  return { org, key, machines };
}

async function act(org: Org, action: string, machine_id: string | undefined, more: object = {}, token = org.token) {
  const body = { action, org_id: org.orgId, machine_id, ...more };
  const { status, envelope } = await post("/api/machine-admin", body, { authorization: `Bearer ${token}` });
  return { status, data: envelope.data, code: envelope.error?.code, message: envelope.error?.message };
}

async function listed(org: Org, name: string) {
  const rows = await call(selfFetch, base, listMachines, { org_id: org.orgId }, { token: org.token });
  return rows.find((row) => row.name === name);
}

describe("POST /api/machine-admin", () => {
  it("quarantine takes it from its peers at once, unquarantine brings it back", async () => {
    const { org, machines: [a, b] } = await orgWith("a", "b");
    const { stream } = await Stream.joined(a!.node_key, a!.publicKey);
    const id = b!.machine_id;
    expect((await act(org, "quarantine", id, { reason: "odd traffic" })).data).toEqual({
      machine_id: id,
      status: "quarantined",
    });
    expect(await stream.takeDelta()).toMatchObject({ remove: [id], upsert: [] });
    const heartbeat = await call(selfFetch, base, machineHeartbeat, { node_key: b!.node_key });
    expect(heartbeat).toMatchObject({ status: "quarantined", quarantined: true, peers: [] });
    expect((await act(org, "unquarantine", id)).data).toEqual({ machine_id: id, status: "online" });
    expect(await stream.takeDelta()).toMatchObject({ remove: [], upsert: [{ id, online: true }] });
  });

  it("disable switches it off, enable on; POST /api/machine-heartbeat says admin_disabled and does not bring it back", async () => {
    const { org, machines: [a] } = await orgWith("a");
    const id = a!.machine_id;
    expect((await act(org, "disable", id)).data).toEqual({ machine_id: id, status: "offline" });
    const heartbeat = await call(selfFetch, base, machineHeartbeat, { node_key: a!.node_key });
    expect(heartbeat).toMatchObject({ status: "offline", admin_disabled: true, peers: [] });
    expect(await listed(org, "a")).toMatchObject({ status: "offline", admin_disabled: true });
    expect((await act(org, "enable", id)).data).toEqual({ machine_id: id, status: "online" });
    expect(await listed(org, "a")).toMatchObject({ status: "online", admin_disabled: false });
  });

  it("rename goes by the rules for names, and peers follow; a taken one is a CONFLICT", async () => {
    const { org, machines: [a, b] } = await orgWith("a", "b");
    const { stream } = await Stream.joined(a!.node_key, a!.publicKey);
    const id = b!.machine_id;
    expect((await act(org, "rename", id, { name: " Bureau <b> 7 " })).data).toEqual({
      machine_id: id,
      name: "Bureau b 7",
    });
    expect(await stream.takeDelta()).toMatchObject({ upsert: [{ id, name: "Bureau b 7" }] });
    const refused = async (name: unknown) => (await act(org, "rename", id, { name })).message;
    expect(await refused("")).toBe("Name must be 1-100 characters");
    expect(await refused("x".repeat(101))).toBe("Name must be 1-100 characters");
    expect(await refused("<>!")).toBe("Name contains only invalid characters");
    expect(await refused(7)).toBe("name must be a string");
    expect(await act(org, "rename", id, { name: "a" })).toMatchObject({ status: 409, code: "CONFLICT" });
  });

  it("update_tags takes the prefix off, leaves bad ones out, clears with an empty list", async () => {
    const { org, machines: [a] } = await orgWith("a");
    const id = a!.machine_id;
    const tags = ["tag:web", "prod_1", "bad tag", "web", "x".repeat(51)];
    expect((await act(org, "update_tags", id, { tags })).data).toEqual({ machine_id: id, tags: ["web", "prod_1"] });
    expect(await listed(org, "a")).toMatchObject({ tags: ["web", "prod_1"] });
    expect((await act(org, "update_tags", id, { tags: [] })).data).toEqual({ machine_id: id, tags: [] });
    expect(await act(org, "update_tags", id, { tags: "web" })).toMatchObject({
      status: 400,
      code: "INVALID_INPUT",
      message: "tags must be an array",
    });
  });

  it("delete: its agent is refused with INVALID_NODE_KEY, its peers forget it, its address and place in the quota are free", async () => {
    const { org, key, machines: [a, b] } = await orgWith("a", "b");
    const [peer, own] = [
      await Stream.joined(a!.node_key, a!.publicKey),
      await Stream.joined(b!.node_key, b!.publicKey),
    ];
    const id = b!.machine_id;
    expect((await act(org, "delete", id)).data).toEqual({ deleted: id });
    expect(await own.stream.closed).toMatchObject({ code: CLOSE_REFUSED, reason: "INVALID_NODE_KEY" });
    // What b's hello changed comes first.
    let delta = await peer.stream.takeDelta();
    while (delta.remove.length === 0) delta = await peer.stream.takeDelta();
    expect(delta).toMatchObject({ remove: [id], upsert: [] });
    expect(await outcome(call(selfFetch, base, machineHeartbeat, { node_key: b!.node_key }))).toBe("INVALID_NODE_KEY");
    expect(await listed(org, "b")).toBeUndefined();
    expect(await act(org, "delete", id)).toMatchObject({ status: 404, code: "NOT_FOUND" });
    const again = await enrol(key, "b");
    expect(again).toMatchObject({ tailnet_ip: "100.64.0.2", reactivated: false });
    expect(again.machine_id).not.toBe(id);
  });

  it("refuses with the contract's codes (INVALID_STATE, UNKNOWN_ACTION, NOT_FOUND, FORBIDDEN), and tells nothing of other orgs", async () => {
    const { org, machines: [a] } = await orgWith("a");
    const { org: other, machines: [theirs] } = await orgWith("a");
    const id = a!.machine_id;
    expect(await act(org, "approve", id)).toMatchObject({ status: 400, code: "INVALID_STATE" });
    expect(await act(org, "unquarantine", id)).toMatchObject({ status: 400, code: "INVALID_STATE" });
    expect(await act(org, "quarantine", undefined)).toMatchObject({ status: 400, code: "MISSING_FIELDS" });
    expect(await act(org, "launch", id)).toMatchObject({ status: 400, code: "UNKNOWN_ACTION" });
    for (const unknown of [crypto.randomUUID(), theirs!.machine_id]) {
      expect(await act(org, "disable", unknown)).toMatchObject({ status: 404, code: "NOT_FOUND" });
    }
    expect(await act(other, "disable", id, {}, org.token)).toMatchObject({ status: 403, code: "FORBIDDEN" });
    expect(await act(org, "disable", id, {}, "nonsense")).toMatchObject({ status: 401, code: "UNAUTHORIZED" });
    const { token } = await signUpSomeone();
    expect(await act(org, "disable", id, {}, token)).toMatchObject({ status: 403, code: "FORBIDDEN" });
  });

  it("doing the same again changes nothing", async () => {
    const { org, machines: [a, b] } = await orgWith("a", "b");
    const { stream } = await Stream.joined(a!.node_key, a!.publicKey);
    for (let times = 0; times < 2; times++) {
      expect((await act(org, "quarantine", b!.machine_id)).data).toMatchObject({ status: "quarantined" });
    }
    expect(await stream.takeDelta()).toMatchObject({ remove: [b!.machine_id] });
    await act(org, "unquarantine", b!.machine_id);
    // The next thing heard is the release: the second quarantine was none.
    expect(await stream.takeDelta()).toMatchObject({ upsert: [{ id: b!.machine_id }] });
  });
});
