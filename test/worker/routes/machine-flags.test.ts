import { describe, expect, it } from "vitest";
import { call } from "#protocol/api/call.ts";
import { listMachines } from "#protocol/api/tables.ts";
import { giveTo, inStorage, memberOf } from "../org/members.ts";
import { enrol, makeKey, newOrg, type Org } from "../org/support.ts";
import { base, post, selfFetch } from "../support/api.ts";

async function orgWithMachine(settings: object = {}) {
  const org = await newOrg();
  if (Object.keys(settings).length > 0) await set(org, settings);
  const { key } = await makeKey(org);
  const { machine_id: id } = await enrol(key, "host");
  return { org, key, id };
}

async function set(org: Org, settings: object) {
  const body = { action: "update_org_settings", org_id: org.orgId, ...settings };
  const { status } = await post("/api/org-management", body, { authorization: `Bearer ${org.token}` });
  expect(status).toBe(200);
}

async function act({ orgId, token }: Org, action: string, machine_id: string, more: object = {}) {
  const body = { action, org_id: orgId, machine_id, ...more };
  const { status, envelope } = await post("/api/machine-admin", body, { authorization: `Bearer ${token}` });
  return { status, data: envelope.data, code: envelope.error?.code, message: envelope.error?.message };
}

async function machineOf(org: Org) {
  return (await call(selfFetch, base, listMachines, { org_id: org.orgId }, { token: org.token }))[0];
}

describe("POST /api/machine-admin update_flags", () => {
  it("sets the flags that are given and answers just them", async () => {
    const { org, id } = await orgWithMachine();
    expect(await machineOf(org)).toMatchObject({ shields_up: false, ssh_enabled: false, accept_routes: false });
    const flags = { shields_up: true, ssh_enabled: true };
    expect((await act(org, "update_flags", id, flags)).data).toEqual({ machine_id: id, ...flags });
    expect(await machineOf(org)).toMatchObject({ shields_up: true, ssh_enabled: true, accept_routes: false });
    expect((await act(org, "update_flags", id, { shields_up: false })).data).toEqual({
      machine_id: id,
      shields_up: false,
    });
    expect(await machineOf(org)).toMatchObject({ shields_up: false, ssh_enabled: true });
  });

  it("takes advertised_routes, and an empty list takes them back", async () => {
    const { org, id } = await orgWithMachine();
    expect((await act(org, "update_flags", id, { advertised_routes: ["10.1.2.3/24", "10.1.2.0/24"] })).data).toEqual({
      machine_id: id,
      advertised_routes: ["10.1.2.0/24"],
    });
    expect((await act(org, "update_flags", id, { advertised_routes: [] })).data).toEqual({
      machine_id: id,
      advertised_routes: [],
    });
  });

  it("refuses none with INVALID_INPUT, as well as mistyped ones and bad routes", async () => {
    const { org, id } = await orgWithMachine();
    const refused = (flags: object) => act(org, "update_flags", id, flags);
    expect(await refused({})).toMatchObject({
      status: 400,
      code: "INVALID_INPUT",
      message: "At least one flag must be provided",
    });
    for (const shields_up of ["true", 1, null]) {
      expect(await refused({ shields_up })).toMatchObject({
        status: 400,
        code: "INVALID_INPUT",
        message: "shields_up must be true or false",
      });
    }
    for (const advertised_routes of ["10.0.0.0/8", ["10.0.0.0/40"], ["100.64.1.0/24"], ["0.0.0.0/0"], [7]]) {
      expect(await refused({ advertised_routes })).toMatchObject({ status: 400, code: "INVALID_INPUT" });
    }
    const nameless = await act(org, "update_flags", undefined as never, { shields_up: true });
    expect(nameless).toMatchObject({ status: 400, code: "MISSING_FIELDS" });
  });

  it("is FORBIDDEN where the org allows no exit nodes or no subnet routing", async () => {
    const { org, id } = await orgWithMachine({ allow_subnet_routing: false });
    expect(await act(org, "update_flags", id, { advertise_exit_node: true })).toMatchObject({
      status: 403,
      code: "FORBIDDEN",
      message: "exit nodes not allowed for this org",
    });
    expect(await act(org, "update_flags", id, { advertised_routes: ["10.0.0.0/8"] })).toMatchObject({
      status: 403,
      code: "FORBIDDEN",
      message: "subnet routing not allowed for this org",
    });
    await set(org, { allow_exit_nodes: true, allow_subnet_routing: true });
    const flags = { advertise_exit_node: true, advertised_routes: ["10.0.0.0/8"] };
    expect((await act(org, "update_flags", id, flags)).data).toEqual({ machine_id: id, ...flags });
  });

  it("is open to the machine's owner and FORBIDDEN to other members", async () => {
    const { org, id } = await orgWithMachine();
    const [owner, other] = [await memberOf(org, "member"), await memberOf(org, "auditor")];
    await giveTo(owner, id);
    expect(await act(owner, "update_flags", id, { ssh_enabled: true })).toMatchObject({ status: 200 });
    expect(await act(owner, "set_key_expiry", id, { disabled: true })).toMatchObject({ status: 200 });
    for (const action of ["update_flags", "set_key_expiry"]) {
      const refused = await act(other, action, id, { ssh_enabled: true, disabled: true });
      expect(refused, action).toMatchObject({ status: 403, code: "FORBIDDEN" });
    }
    for (const action of ["approve_routes", "reject_routes", "approve_exit_node", "reject_exit_node"]) {
      expect(await act(owner, action, id), action).toMatchObject({ status: 403, code: "FORBIDDEN" });
    }
  });
});

describe("POST /api/machine-admin approve_routes and reject_routes", () => {
  const routes = ["10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/16"];

  async function advertising() {
    const found = await orgWithMachine();
    await act(found.org, "update_flags", found.id, { advertised_routes: routes });
    return found;
  }

  it("approve all that is advertised, or those that are named, and take it back", async () => {
    const { org, id } = await advertising();
    const approved = async (action: string, more: object = {}) => (await act(org, action, id, more)).data;
    expect(await approved("approve_routes", { routes: [routes[1]] })).toEqual({
      machine_id: id,
      approved_routes: [routes[1]],
    });
    expect(await approved("approve_routes", { routes: [routes[0]] })).toMatchObject({
      approved_routes: routes.slice(0, 2),
    });
    expect(await approved("approve_routes")).toMatchObject({ approved_routes: routes });
    expect(await approved("reject_routes", { routes: [routes[0]] })).toMatchObject({
      approved_routes: routes.slice(1),
    });
    expect(await machineOf(org)).toMatchObject({ advertised_routes: routes, approved_routes: routes.slice(1) });
    expect(await approved("reject_routes")).toEqual({ machine_id: id, approved_routes: [] });
  });

  it("never leave a route approved that is no longer advertised, even when it is advertised again", async () => {
    const { org, id } = await advertising();
    await act(org, "approve_routes", id);
    await act(org, "update_flags", id, { advertised_routes: routes.slice(0, 1) });
    expect(await machineOf(org)).toMatchObject({ approved_routes: routes.slice(0, 1) });
    await act(org, "update_flags", id, { advertised_routes: routes });
    expect(await machineOf(org)).toMatchObject({ approved_routes: routes.slice(0, 1) });
  });

  it("are refused with INVALID_INPUT for routes the machine does not advertise, and mistyped ones", async () => {
    const { org, id } = await advertising();
    for (const wrong of [["10.9.0.0/16"], "10.1.0.0/16", [7]]) {
      expect(await act(org, "approve_routes", id, { routes: wrong })).toMatchObject({
        status: 400,
        code: "INVALID_INPUT",
      });
    }
    expect(await machineOf(org)).toMatchObject({ approved_routes: [] });
  });

  it("are FORBIDDEN once the org switches subnet routing off, which withdraws all approvals", async () => {
    const { org, id } = await advertising();
    await act(org, "approve_routes", id);
    await set(org, { allow_subnet_routing: false });
    expect(await machineOf(org)).toMatchObject({ advertised_routes: routes, approved_routes: [] });
    expect(await act(org, "approve_routes", id)).toMatchObject({
      status: 403,
      code: "FORBIDDEN",
      message: "Subnet routing is disabled for this organization",
    });
  });
});

describe("POST /api/machine-admin approve_exit_node and reject_exit_node", () => {
  it("decide on a machine that advertises one; its approval ends with the offer", async () => {
    const { org, id } = await orgWithMachine({ allow_exit_nodes: true });
    expect(await act(org, "approve_exit_node", id)).toMatchObject({ status: 400, code: "INVALID_STATE" });
    await act(org, "update_flags", id, { advertise_exit_node: true });
    expect((await act(org, "approve_exit_node", id)).data).toEqual({ machine_id: id, exit_node_approved: true });
    expect((await act(org, "reject_exit_node", id)).data).toEqual({ machine_id: id, exit_node_approved: false });
    await act(org, "approve_exit_node", id);
    await act(org, "update_flags", id, { advertise_exit_node: false });
    expect(await machineOf(org)).toMatchObject({ advertise_exit_node: false, exit_node_approved: false });
  });

  it("are FORBIDDEN once the org allows no exit nodes, which withdraws all approvals", async () => {
    const { org, id } = await orgWithMachine({ allow_exit_nodes: true });
    await act(org, "update_flags", id, { advertise_exit_node: true });
    await act(org, "approve_exit_node", id);
    await set(org, { allow_exit_nodes: false });
    expect(await machineOf(org)).toMatchObject({ advertise_exit_node: true, exit_node_approved: false });
    expect(await act(org, "approve_exit_node", id)).toMatchObject({ status: 403, code: "FORBIDDEN" });
  });
});

describe("POST /api/machine-admin set_key_expiry", () => {
  it("lets a machine's key live for ever, and end again", async () => {
    const { org, id } = await orgWithMachine();
    expect((await act(org, "set_key_expiry", id, { disabled: true })).data).toEqual({
      machine_id: id,
      key_expiry_disabled: true,
    });
    await inStorage(org.orgId, "UPDATE machines SET key_created_at = 0");
    expect(await machineOf(org)).toMatchObject({ key_expired: false, status: "online" });
    await act(org, "set_key_expiry", id, { disabled: false });
    expect(await machineOf(org)).toMatchObject({ key_expired: true, status: "offline" });
    await act(org, "set_key_expiry", id, { disabled: true });
    expect(await machineOf(org)).toMatchObject({ key_expired: false, status: "offline" });
  });

  it("is refused with MISSING_FIELDS without disabled, and INVALID_INPUT when it is no boolean", async () => {
    const { org, id } = await orgWithMachine();
    expect(await act(org, "set_key_expiry", id)).toMatchObject({ status: 400, code: "MISSING_FIELDS" });
    expect(await act(org, "set_key_expiry", id, { disabled: "yes" })).toMatchObject({
      status: 400,
      code: "INVALID_INPUT",
    });
  });
});
